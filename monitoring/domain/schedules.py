"""Schedule arithmetic: which instants a schedule names, and what to do about those that passed unseen.

Slots are computed from the schedule alone and never from when anybody woke up, so two schedulers, or one
before and after a crash, name the same instants. Cron follows Debian's rules at a clock change (the engine
of Healthchecks): a time that does not exist fires at the change, a time that exists twice fires once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
# A slot this young is simply due: a restart of beat or of the database is no reason to drop a run.
GRACE = timedelta(minutes=2)
_AWAY = "The scheduler, or its database, was away at this time."
# How many missed slots of one job are written down one by one.
MISSED_LIMIT = 100


class BadSchedule(ValueError):
    """A schedule that names no instants, or that nobody can read."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression in a time zone, e.g. `Cron("0 9 * * *", "Europe/London")`.

    Raises:
        BadSchedule: when the expression or the zone cannot be read, or names no instant.
    """

    expr: str
    zone: str = "UTC"

    def __post_init__(self) -> None:
        try:
            next(CronSim(self.expr, datetime(2024, 1, 1, tzinfo=UTC)))
        except CronSimError as error:
            raise BadSchedule(f"Cron expression {self.expr!r}: {error}. Write e.g. '*/5 * * * *'.") from error
        except StopIteration:
            raise BadSchedule(f"Cron expression {self.expr!r} names no day that ever comes.") from None
        try:
            ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError) as error:
            raise BadSchedule(f"There is no time zone {self.zone!r}. Write e.g. 'Europe/London'.") from error

    def __str__(self) -> str:
        return f"{self.expr} {self.zone}"


@dataclass(frozen=True, slots=True)
class Every:
    """Every so many seconds, counted from 1970-01-01 00:00 UTC, so that everybody counts alike.

    Raises:
        BadSchedule: when `seconds` is not positive.
    """

    seconds: int

    def __post_init__(self) -> None:
        if self.seconds < 1:
            raise BadSchedule(f"An interval of {self.seconds} seconds is no interval; 1 second is the least.")

    def __str__(self) -> str:
        return f"every {self.seconds} s"


Schedule: TypeAlias = Cron | Every


def next_slot(schedule: Schedule, after: datetime) -> datetime:
    """The first slot strictly after `after`, in UTC.

    Raises:
        BadSchedule: when no slot comes within 50 years.
    """
    if isinstance(schedule, Every):
        return _EPOCH + timedelta(
            seconds=((after - _EPOCH) // _SECOND // schedule.seconds + 1) * schedule.seconds
        )
    zone = UTC if schedule.zone == "UTC" else ZoneInfo(schedule.zone)
    for slot in CronSim(schedule.expr, after.astimezone(zone)):
        # An hour that happens twice: cronsim may name its first pass while we stand in its second.
        if slot.astimezone(UTC) > after:
            return slot.astimezone(UTC)
    raise BadSchedule(f"No slot of {schedule} comes within 50 years after {after.isoformat()}.")


def slots_between(schedule: Schedule, after: datetime, until: datetime, *, limit: int) -> list[datetime]:
    """The newest slots in `(after, until]`, oldest first, at most `limit` of them."""
    if after >= until:
        return []
    slots = []
    slot = next_slot(schedule, _at_most_before(schedule, after, until, limit))
    while slot <= until:
        slots.append(slot)
        slot = next_slot(schedule, slot)
    return slots[-limit:]


def _at_most_before(schedule: Schedule, after: datetime, until: datetime, limit: int) -> datetime:
    """An instant not before `after` with at least `limit` slots up to `until`, where there are so many."""
    if isinstance(schedule, Every):
        return max(after, until - timedelta(seconds=schedule.seconds * (limit + 1)))
    zone = UTC if schedule.zone == "UTC" else ZoneInfo(schedule.zone)
    backwards = CronSim(schedule.expr, (until + _SECOND).astimezone(zone), reverse=True)
    slot = until
    for _, earlier in zip(range(limit + 1), backwards, strict=False):
        slot = earlier.astimezone(UTC)
        if slot <= after:
            return after
    # Walking backwards and forwards differ in the hour that a clock change repeats or leaves out: begin well
    # before, at a time of day at which no zone changes its clocks.
    return max(after, (slot - timedelta(days=2)).replace(hour=12, minute=0, second=0, microsecond=0))


def is_overdue(schedule: Schedule, anchor: datetime, now: datetime, *, allowed_missed: int = 1) -> bool:
    """Whether a job that last finished at `anchor` has missed more than `allowed_missed` slots at `now`.

    Source: the rule of mozilla/kitsune's watchdog: overdue when now is past the (allowed + 1)-th slot
    strictly after the anchor.
    """
    slot = anchor
    for _ in range(allowed_missed + 1):
        slot = next_slot(schedule, slot)
    return now > slot


def is_subdaily(schedule: Schedule) -> bool:
    """Whether some two slots within the coming year are less than 23 hours apart (23: the day in spring)."""
    if isinstance(schedule, Every):
        return schedule.seconds < 23 * 3600
    slot = next_slot(schedule, datetime(2024, 1, 1, tzinfo=UTC))
    end = slot + timedelta(days=366)
    while slot < end:
        following = next_slot(schedule, slot)
        if following - slot < timedelta(hours=23):
            return True
        slot = following
    return False


@dataclass(frozen=True, slots=True)
class Misfire:
    """What to do with a slot found after it passed: run it while not older than `within`, or miss it."""

    within: timedelta = timedelta(0)

    def __str__(self) -> str:
        if not self.within:
            return "skip"
        return f"run once within {self.within // timedelta(hours=1)} h"


SKIP = Misfire()


def run_once_late(*, hours: int) -> Misfire:
    """The newest missed slot is run late if it is not older than `hours`."""
    return Misfire(timedelta(hours=hours))


@dataclass(frozen=True, slots=True)
class MissedSlot:
    """A slot that is not run any more, and why."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class SlotPlan:
    """What is to be done about the slots since the last look."""

    run: tuple[datetime, ...] = ()
    missed: tuple[MissedSlot, ...] = ()


def plan_slots(
    schedule: Schedule, *, after: datetime, now: datetime, misfire: Misfire, grace: timedelta = GRACE
) -> SlotPlan:
    """What to do at `now` about the slots in `(after, now]`.

    A slot within `grace` is due and is run, every one. Of older ones only the newest slot of all may be run
    late, if the job's `misfire` says so; the rest are missed, each with its reason, the newest 100 of them.
    """
    slots = slots_between(schedule, after, now, limit=MISSED_LIMIT)
    run = [slot for slot in slots if now - slot <= grace]
    old = [slot for slot in slots if now - slot > grace]
    if old and not run and now - old[-1] <= misfire.within:
        run = [old.pop()]
    more = len(slots) == MISSED_LIMIT and next_slot(schedule, after) < slots[0]
    missed = [MissedSlot(slot, _reason(misfire, newer_runs=bool(run))) for slot in old]
    if more and missed:
        first = missed[0]
        missed[0] = MissedSlot(
            first.at, f"{first.reason} Still earlier slots were missed and are not listed."
        )
    return SlotPlan(tuple(run), tuple(missed))


def _reason(misfire: Misfire, *, newer_runs: bool) -> str:
    if newer_runs:
        return f"{_AWAY} A newer slot of this job was run instead."
    if misfire.within:
        return f"{_AWAY} It came back later than the job may run late ({misfire})."
    return f"{_AWAY} This job is not run late."
