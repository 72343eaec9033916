"""The ledger of job runs: owed, taken, done.

A run's row is committed before its message is sent, and a sweeper sends again what is still owed, so the
broker may lose anything. A worker takes a run by a conditional update and holds it under a lease that it
renews; whoever takes a run again raises its attempt, which fences off the one that lost it. All instants but
the slot are by the database's clock.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import DateTimeField, ExpressionWrapper, F
from django.db.models.functions import Least, Now

from monitoring.clients import broker
from monitoring.domain.runs import JobResult, Outcome, RunState
from monitoring.jobs import JOBS
from monitoring.models import JobRun

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
_SUMMARY_LENGTH = 2000


def lease_length() -> timedelta:
    """How long a run is held without a sign of life (setting JOB_LEASE_SECONDS, 20)."""
    return timedelta(seconds=getattr(settings, "JOB_LEASE_SECONDS", 20))


class LostRun(Exception):
    """The run was taken by somebody else meanwhile; whatever was done for it must not be kept."""


@dataclass(frozen=True, slots=True)
class NewRun:
    """A slot to be opened: to be run, or already known not to be."""

    job: str
    scheduled_for: datetime
    outcome: Outcome | None = None
    summary: str = ""


@dataclass(frozen=True, slots=True)
class OwedRun:
    """A run that is to be sent."""

    id: int
    job: str


_OPEN_SQL = """
    WITH opened AS (
        INSERT INTO job_runs (job, scheduled_for, trigger, state, outcome, attempt, epoch,
                              created_at, published_at, finished_at, worker, summary, requested_by)
        SELECT s.job, s.at, 'schedule', CASE s.outcome WHEN '' THEN 'pending' ELSE 'done' END, s.outcome, 0,
               l.epoch, clock_timestamp(), CASE s.outcome WHEN '' THEN clock_timestamp() END,
               CASE s.outcome WHEN '' THEN NULL ELSE clock_timestamp() END, '', s.summary, ''
        FROM unnest(%s::text[], %s::timestamptz[], %s::text[], %s::text[]) AS s(job, at, outcome, summary)
        JOIN beat_lease l ON l.id = 1 AND l.holder = %s AND l.epoch = %s
        ON CONFLICT (job, scheduled_for) DO NOTHING
        RETURNING id, job, scheduled_for, state
    ), counted AS (
        UPDATE django_celery_beat_periodictask t
        SET last_run_at = o.at, total_run_count = t.total_run_count + o.n
        FROM (SELECT job, max(scheduled_for) AS at, count(*) FILTER (WHERE state = 'pending') AS n
              FROM opened GROUP BY job) o
        WHERE t.name = o.job AND t.enabled
    )
    SELECT id, job FROM opened WHERE state = 'pending' ORDER BY id
"""


def open_slots(runs: Sequence[NewRun], *, holder: str, epoch: int) -> list[OwedRun]:
    """This will open the slots that are not open yet and return those to be sent. One statement.

    Fenced: nothing is opened unless `holder` has beat's lease at `epoch`. The rows count as sent at once; who
    cannot send them calls `unsent`.
    """
    if not runs:
        return []
    columns: list[list[Any]] = [
        [run.job for run in runs],
        [run.scheduled_for for run in runs],
        [run.outcome.value if run.outcome else "" for run in runs],
        [run.summary[:_SUMMARY_LENGTH] for run in runs],
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_OPEN_SQL, [*columns, holder, epoch])
        return [OwedRun(*row) for row in cursor.fetchall()]


def publish(runs: Sequence[OwedRun]) -> int:
    """This will send one message for each run, and note which could not be sent. How many were sent."""
    if runs and not broker.answers():
        # A broker that hangs costs half a second here, and not the time-out of every message.
        unsent(runs)
        logger.warning("The broker does not answer. Kept as owed: %d runs.", len(runs))
        return 0
    for position, run in enumerate(runs):
        try:
            broker.send(JOBS[run.job].task, {"run_id": run.id})
        except broker.UnableToSend as error:
            unsent(runs[position:])
            logger.warning("%s Kept as owed: %d runs.", error, len(runs) - position)
            return position
    return len(runs)


def unsent(runs: Sequence[OwedRun]) -> None:
    """This will note that `runs` were not sent after all, so that the next sweep sends them."""
    with transaction.atomic():
        JobRun.objects.filter(pk__in=[run.id for run in runs], state=RunState.PENDING.value).update(
            published_at=None
        )


# Sent again after 10 s at first and after 30 s at most; a message too many finds its run taken and ends.
_OWED_SQL = """
    UPDATE job_runs SET published_at = clock_timestamp()
    WHERE id IN (
        SELECT id FROM job_runs
        WHERE state = 'pending' AND (published_at IS NULL OR published_at < clock_timestamp()
            - least(greatest(published_at - created_at, interval '10 s'), interval '30 s'))
        ORDER BY created_at LIMIT 200 FOR UPDATE SKIP LOCKED)
    RETURNING id, job
"""


def send_owed() -> int:
    """This will send what is owed and was never sent, or not lately. One statement, then one message each."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_OWED_SQL)
        runs = [OwedRun(*row) for row in cursor.fetchall()]
    retired = [run.id for run in runs if run.job not in JOBS]
    if retired:
        with transaction.atomic():
            JobRun.objects.filter(pk__in=retired).update(
                state=RunState.DONE.value,
                outcome=Outcome.SKIPPED.value,
                finished_at=Now(),
                summary="The table has no such job any more.",
            )
    return publish([run for run in runs if run.job in JOBS])


def release_expired() -> int:
    """This will free the runs whose lease ran out: owed again, timed out, or given up. How many."""
    with transaction.atomic():
        expired = list(
            JobRun.objects.select_for_update(skip_locked=True).filter(
                state=RunState.RUNNING.value, lease_until__lt=Now()
            )
        )
        for run in expired:
            _release(run)
    return len(expired)


def _release(run: JobRun) -> None:
    lease_until = run.lease_until
    limit = timedelta(seconds=JOBS[run.job].time_limit) if run.job in JOBS else timedelta(0)
    fields = ["state", "lease_until", "published_at", "outcome", "summary", "finished_at"]
    if lease_until and run.started_at and lease_until >= run.started_at + limit:
        run.state, run.outcome = RunState.DONE.value, Outcome.TIMED_OUT.value
        run.summary = f"Not finished within {limit.total_seconds():.0f} s by {run.worker}."
        run.finished_at = lease_until
    elif run.attempt >= MAX_ATTEMPTS:
        run.state, run.outcome = RunState.DEAD.value, Outcome.ERROR.value
        run.summary = f"Given up after {run.attempt} attempts; the last worker, {run.worker}, fell silent."
        run.finished_at = lease_until
    else:
        run.state, run.published_at = RunState.PENDING.value, None
    run.lease_until = None
    logger.warning("%s was not finished by %s: now %s.", run, run.worker, run.state)
    run.save(update_fields=fields)


def sweep() -> int:
    """This will free what was dropped and send what is owed. Safe to call anywhere, any number of times."""
    release_expired()
    return send_owed()


def claim(run_id: int, *, worker: str) -> JobRun | None:
    """This will take the run for `worker`, or return None when it is not to be had."""
    with transaction.atomic():
        run = JobRun.objects.filter(pk=run_id).first()
        if run is None:
            return None
        taken = JobRun.objects.filter(
            pk=run_id, state=RunState.PENDING.value, attempt__lt=MAX_ATTEMPTS
        ).update(
            state=RunState.RUNNING.value,
            attempt=F("attempt") + 1,
            worker=worker[:100],
            started_at=Now(),
            lease_until=Now() + min(lease_length(), _limit_of(run)),
        )
        if taken != 1:
            return None
        run.refresh_from_db()
        return run


def _limit_of(run: JobRun) -> timedelta:
    return timedelta(seconds=JOBS[run.job].time_limit if run.job in JOBS else 60)


def _held(run: JobRun) -> dict[str, Any]:
    # The attempt is the fence: whoever took the run again has another.
    return {"pk": run.pk, "attempt": run.attempt, "state": RunState.RUNNING.value}


def finish(run: JobRun, result: JobResult) -> None:
    """This will write down how a held run ended. Call it in the transaction of the run's effects.

    Raises:
        LostRun: when the run is not held any more: let the exception undo the effects.
    """
    with transaction.atomic():
        changed = JobRun.objects.filter(**_held(run)).update(
            state=RunState.DONE.value,
            outcome=result.outcome.value,
            summary=result.summary[:_SUMMARY_LENGTH],
            finished_at=Now(),
            lease_until=None,
        )
        if changed != 1:
            raise LostRun(f"{run}, attempt {run.attempt}, was taken over; nothing of it is kept.")


def hand_back(run: JobRun) -> bool:
    """This will make a held run owed again, at once. False when it was lost, or tried often enough."""
    if run.attempt >= MAX_ATTEMPTS:
        return False
    with transaction.atomic():
        changed = JobRun.objects.filter(**_held(run)).update(
            state=RunState.PENDING.value, lease_until=None, published_at=None
        )
    return changed == 1


@contextmanager
def holding(run: JobRun) -> Iterator[None]:
    """Renews the lease of a held run, from a thread, until the block ends or the job's time limit is up."""
    ended = threading.Event()
    renewer = threading.Thread(target=_renew, args=(run, ended), name=f"lease of run {run.pk}", daemon=True)
    renewer.start()
    try:
        yield
    finally:
        ended.set()
        renewer.join(timeout=1)


def _renew(run: JobRun, ended: threading.Event) -> None:
    limit = ExpressionWrapper(F("started_at") + _limit_of(run), output_field=DateTimeField())
    period = lease_length().total_seconds() / 4
    try:
        while not ended.wait(period):
            try:
                with transaction.atomic():
                    held = JobRun.objects.filter(**_held(run)).update(
                        lease_until=Least(Now() + lease_length(), limit)
                    )
            except DatabaseError as error:
                logger.warning("Unable to renew the lease of %s: %s", run, error)
                connection.close()
                continue
            if not held:
                return
    finally:
        connection.close()
