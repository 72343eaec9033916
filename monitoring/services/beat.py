"""What beat does: hold the lease, know the next slots, open them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction

from monitoring.domain.runs import Outcome
from monitoring.domain.schedules import BadSchedule, Schedule, next_slot, plan_slots
from monitoring.jobs import JOBS, TICKS
from monitoring.services.ledger import NewRun
from monitoring.services.schedules import ScheduleRow

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=5)

_TAKE_SQL = """
    INSERT INTO beat_lease AS l (id, holder, epoch, lease_until, heartbeat_at)
    VALUES (1, %(holder)s, 1, clock_timestamp() + %(lease)s::interval, clock_timestamp())
    ON CONFLICT (id) DO UPDATE SET
        epoch = l.epoch + CASE WHEN l.holder = %(holder)s THEN 0 ELSE 1 END,
        holder = %(holder)s, lease_until = excluded.lease_until, heartbeat_at = excluded.heartbeat_at
    WHERE l.holder = %(holder)s OR l.lease_until IS NULL OR l.lease_until < clock_timestamp()
    RETURNING epoch
"""


def take_lease(holder: str) -> int | None:
    """This will take or renew beat's lease for 5 s and return its epoch, or None while another holds it.

    The epoch rises with each change of hands. One statement, by the database's clock.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TAKE_SQL, {"holder": holder, "lease": f"{LEASE.total_seconds()} s"})
        row = cursor.fetchone()
    return int(row[0]) if row else None


def release_lease(holder: str) -> None:
    """This will give the lease up, so that another beat need not wait for its end."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE beat_lease SET lease_until = NULL WHERE holder = %s", [holder])


_LAST_SLOT_SQL = """
    SELECT j.job, r.scheduled_for
    FROM unnest(%s::text[]) AS j(job), LATERAL (
        SELECT scheduled_for FROM job_runs
        WHERE job = j.job AND trigger = 'schedule' AND scheduled_for <= %s
        ORDER BY scheduled_for DESC LIMIT 1) r
"""


def last_slots(now: datetime) -> dict[str, datetime]:
    """The newest slot of each job that the schedule opened, up to `now`. One query, an index look each."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LAST_SLOT_SQL, [list(JOBS), now])
        return dict(cursor.fetchall())


@dataclass(slots=True)
class _Line:
    """One job in the book: up to `seen` its slots are dealt with."""

    row: ScheduleRow
    schedule: Schedule
    seen: datetime
    due: datetime


@dataclass(slots=True)
class SlotBook:
    """Beat's memory: for each enabled job, up to when its slots are dealt with and when the next is due.

    It can be lost at any time: `open_at` makes it anew from the rows and the ledger.
    """

    lines: dict[str, _Line] = field(default_factory=dict)
    # Jobs whose row says a future last run: the caller mends the row.
    clamped: list[str] = field(default_factory=list)
    _read_at: datetime | None = None

    def read(self, rows: dict[str, ScheduleRow], opened: dict[str, datetime], now: datetime) -> None:
        """Takes in the rows as they stand at `now`; `opened` is each job's newest slot in the ledger."""
        before, self.lines = self.lines, {}
        for key, job in JOBS.items():
            row = rows.get(key)
            if row is None or not row.enabled:
                continue
            schedule = row.schedule or job.schedule
            known = before.get(key)
            if known and known.schedule == schedule:
                seen = known.seen
            else:
                # A new schedule, or one switched on, holds from when it was first seen, not from before.
                seen = self._anchor(row, opened.get(key), now)
                seen = max(seen, self._read_at) if self._read_at else seen
            self._enter(key, row, schedule, seen)
        self._read_at = now

    def _anchor(self, row: ScheduleRow, opened: datetime | None, now: datetime) -> datetime:
        if row.last_run_at and row.last_run_at > now:
            self.clamped.append(row.name)
        marks = [mark for mark in (row.last_run_at, opened) if mark and mark <= now]
        if row.last_run_at is None:  # never run since it was made or switched on
            marks.append(min(row.date_changed, now))
        return max(marks, default=now)

    def _enter(self, key: str, row: ScheduleRow, schedule: Schedule, seen: datetime) -> None:
        try:
            self.lines[key] = _Line(row, schedule, seen, next_slot(schedule, seen))
        except BadSchedule as error:
            logger.error("Job %s cannot be scheduled: %s", key, error)  # noqa: TRY400  the sentence says it all

    def next_due(self) -> datetime | None:
        """When the next slot of all is due."""
        return min((line.due for line in self.lines.values()), default=None)

    def due(self, now: datetime) -> list[NewRun]:
        """The slots to be opened at `now`: to be run, missed, or failed for a fault of their row."""
        return [
            run for key, line in self.lines.items() if line.due <= now for run in _new_runs(key, line, now)
        ]

    def dealt_with(self, now: datetime) -> None:
        """Notes that the slots up to `now` are in the ledger."""
        for key, line in list(self.lines.items()):
            if line.due <= now:
                del self.lines[key]
                self._enter(key, line.row, line.schedule, now)


def _new_runs(key: str, line: _Line, now: datetime) -> Iterator[NewRun]:
    row = line.row
    plan = plan_slots(line.schedule, after=line.seen, now=now, misfire=JOBS[key].misfire)
    for missed in plan.missed:
        if _in_force(row, missed.at):
            yield NewRun(key, missed.at, Outcome.MISSED, missed.reason)
    for slot in plan.run:
        if not _in_force(row, slot):
            continue
        if row.fault:
            yield NewRun(key, slot, Outcome.ERROR, f"The job's schedule row is broken. {row.fault}")
        else:
            yield NewRun(key, slot)


def _in_force(row: ScheduleRow, slot: datetime) -> bool:
    started = row.start_time is None or slot >= row.start_time
    return started and (row.expires is None or slot < row.expires)


@dataclass(slots=True)
class TickBook:
    """When each internal tick is sent next. Late ticks are dropped, not made up for."""

    due_at: dict[str, datetime] = field(default_factory=dict)
    schedules: dict[str, Schedule] = field(default_factory=dict)

    def read(self, rows: dict[str, ScheduleRow], now: datetime) -> None:
        """Takes in the ticks' rows; a tick without a row runs as the table says."""
        self.schedules = {}
        for tick in TICKS:
            row = rows.get(tick.row_name)
            if row is None or row.enabled:
                self.schedules[tick.key] = (row.schedule if row else None) or tick.every
        for key, schedule in self.schedules.items():
            following = next_slot(schedule, now)
            self.due_at[key] = min(self.due_at.get(key, following), following)

    def next_due(self) -> datetime | None:
        """When the next tick of all is due."""
        return min((self.due_at[key] for key in self.schedules), default=None)

    def take_due(self, now: datetime) -> list[tuple[str, datetime]]:
        """The task names of the ticks due at `now`, each with the instant from which it is worthless."""
        taken = []
        for tick in TICKS:
            schedule = self.schedules.get(tick.key)
            if schedule is not None and self.due_at[tick.key] <= now:
                self.due_at[tick.key] = following = next_slot(schedule, now)
                taken.append((tick.task, following + (following - now)))
        return taken
