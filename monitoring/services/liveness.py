"""Do the portal's own parts live? For `/health`, the board and the watchdog."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import connection, transaction

from monitoring.clients import broker
from monitoring.services.heartbeats import CANARY

# Seconds of silence after which a part counts as late, and as silent.
LATE_S, SILENT_S = 15.0, 30.0


class Sign(StrEnum):
    """A part's sign of life."""

    OK = "ok"
    LATE = "late"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Liveness:
    """How the portal's own parts stand. Ages are in seconds; None = never seen."""

    at: datetime
    beat: Sign
    beat_age_s: float | None
    worker: Sign
    worker_age_s: float | None
    # Worker processes that gave a sign within 30 s.
    workers: int
    broker: bool
    # Since the last message that came from beat through broker and worker to the database.
    canary: Sign
    canary_age_s: float | None
    # Runs not done yet, and how long the oldest one is owed.
    owed_runs: int
    oldest_owed_s: float | None

    @property
    def ok(self) -> bool:
        """Whether everything lives."""
        return self.broker and {self.beat, self.worker} == {Sign.OK}


_AGES_SQL = """
    SELECT extract(epoch FROM clock_timestamp() - (SELECT heartbeat_at FROM beat_lease WHERE id = 1)),
           extract(epoch FROM clock_timestamp() - max(heartbeat_at) FILTER (WHERE worker <> %(canary)s)),
           count(*) FILTER (WHERE worker <> %(canary)s
                                  AND heartbeat_at > clock_timestamp() - %(silent)s * interval '1 s'),
           extract(epoch FROM clock_timestamp() - max(heartbeat_at) FILTER (WHERE worker = %(canary)s)),
           (SELECT count(*) FROM job_runs WHERE state IN ('pending', 'running')),
           (SELECT extract(epoch FROM clock_timestamp() - min(created_at)) FROM job_runs
            WHERE state IN ('pending', 'running'))
    FROM worker_heartbeats
"""


def liveness(now: datetime) -> Liveness:
    """How the parts stand at `now`. One query over small tables and one ping of at most 0.5 s.

    Ages are by the database's clock, so a wrong clock on one machine makes nobody silent.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_AGES_SQL, {"canary": CANARY, "silent": SILENT_S})
        beat, worker, workers, canary, owed, oldest = cursor.fetchone()
    return Liveness(
        at=now,
        beat=_sign(beat),
        beat_age_s=_seconds(beat),
        worker=_sign(worker),
        worker_age_s=_seconds(worker),
        workers=workers,
        broker=broker.answers(timeout=0.5),
        canary=_sign(canary, grace_s=10),
        canary_age_s=_seconds(canary),
        owed_runs=owed,
        oldest_owed_s=_seconds(oldest),
    )


def _seconds(age: object) -> float | None:
    return None if age is None else round(max(float(str(age)), 0.0), 3)


def _sign(age: object, *, grace_s: float = 0) -> Sign:
    seconds = _seconds(age)
    if seconds is None or seconds > SILENT_S + grace_s:
        return Sign.SILENT
    return Sign.LATE if seconds > LATE_S + grace_s else Sign.OK
