"""What the board shows, gathered at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from django.db.models import Q

from monitoring.domain.burnin import BurnInState
from monitoring.domain.burnin_days import BurnInProgress, progress_of
from monitoring.domain.costs import RunRate, run_rate
from monitoring.domain.observing import EndpointStanding
from monitoring.domain.schedules import is_overdue, next_slot
from monitoring.domain.strips import Stretch, strip_of
from monitoring.domain.uptime import EndpointRecord, Uptime, measure
from monitoring.domain.verdicts import Verdict
from monitoring.domain.windows import Window, window_or_none
from monitoring.jobs import JOBS, Job
from monitoring.models import AlertEpisode, BurnIn, Endpoint, EndpointState, Incident, JobRun
from monitoring.models import Verdict as StoredVerdict
from monitoring.services.costs import entries_between
from monitoring.services.judging import current_burn_in
from monitoring.services.live_verdict import live_verdict
from monitoring.services.schedules import ScheduleRow, read_schedule_rows
from monitoring.services.uptime import endpoint_records

WEEK = timedelta(days=7)
# One cell an hour.
STRIP_CELLS = 168
_TROUBLE_FIRST = (EndpointStanding.DOWN, EndpointStanding.SUSPECT)


@dataclass(frozen=True, slots=True)
class EndpointLine:
    """One endpoint: how it stands, and its last seven days. `outages` counts the confirmed ones."""

    endpoint: Endpoint
    state: EndpointState | None
    week: Uptime
    strip: tuple[Stretch, ...]
    outages: int

    @property
    def last_standing(self) -> EndpointStanding:
        """How it stood at its last observation; unknown without one."""
        return EndpointStanding(self.state.standing) if self.state else EndpointStanding.UNKNOWN

    @property
    def standing(self) -> EndpointStanding:
        """How it stands now: unknown once its last observation no longer speaks, whatever that one saw."""
        return EndpointStanding.UNKNOWN if self.stale else self.last_standing

    @property
    def stale(self) -> bool:
        """Whether the last observation no longer speaks for this moment, in the words of its hold."""
        if self.state is None or self.state.seen_until is None:
            return True
        return self.week.window.end - self.state.seen_until > timedelta(seconds=self.endpoint.hold_s)


@dataclass(frozen=True, slots=True)
class JobLine:
    """One of the 18 jobs: its newest run, when it is due next, and whether it missed more than one slot.

    `fault` says why it is not due at all: switched off, or without a schedule that can be read.
    """

    job: Job
    last: JobRun | None
    next_at: datetime | None
    overdue: bool
    fault: str


@dataclass(frozen=True, slots=True)
class BurnInLine:
    """The current burn-in."""

    burn_in: BurnIn
    progress: BurnInProgress


@dataclass(frozen=True, slots=True)
class PlatformPart:
    """What only the platform's own people see. `cost` is None while today has no entry."""

    verdict: Verdict
    burn_in: BurnInLine | None
    alerts: tuple[AlertEpisode, ...]
    incidents: tuple[Incident, ...]
    jobs: tuple[JobLine, ...]
    cost: RunRate | None
    stored: StoredVerdict | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """The board at `at`; `platform` is None for a tenant's staff, whose endpoints are then their own."""

    at: datetime
    platform: PlatformPart | None
    endpoints: tuple[EndpointLine, ...]


def gather_platform_board(*, now: datetime) -> Board:
    """Everything, for the platform's own people. A constant number of queries; the control plane's scope."""
    platform = PlatformPart(
        verdict=live_verdict(now=now),
        burn_in=_burn_in(now),
        alerts=tuple(AlertEpisode.objects.open()),
        incidents=tuple(Incident.objects.open()),
        jobs=job_lines(now),
        cost=_cost(now),
        stored=StoredVerdict.objects.newest_first().first(),
    )
    return Board(at=now, platform=platform, endpoints=_endpoints(now, Q()))


def gather_tenant_board(*, tenant_id: UUID, now: datetime) -> Board:
    """The part of one tenant: its own endpoints. Three queries."""
    return Board(at=now, platform=None, endpoints=_endpoints(now, Q(tenant_id=tenant_id)))


@dataclass(frozen=True, slots=True)
class DayLine:
    """How one endpoint spent one UTC day, as far as it has gone by."""

    day: date
    spent: Uptime


def week_by_day(endpoint: Endpoint, *, now: datetime) -> tuple[DayLine, ...]:
    """The last seven UTC days of `endpoint`, today first. Two queries."""
    at = now.astimezone(UTC)
    today = Window.utc_day(at.date())
    window = Window(today.start - timedelta(days=6), today.end)
    record = endpoint_records([endpoint], window)[endpoint.pk]
    lines = []
    for back in range(7):
        start = today.start - timedelta(days=back)
        elapsed = window_or_none(start, min(start + timedelta(days=1), at))
        if elapsed is not None:
            lines.append(DayLine(start.date(), measure(elapsed, [record], at)))
    return tuple(lines)


def _burn_in(now: datetime) -> BurnInLine | None:
    burn_in = current_burn_in()
    if burn_in is None:
        return None
    progress = progress_of(
        starts_at=burn_in.starts_at,
        ends_at=burn_in.ends_at,
        review_at=burn_in.review_at,
        state=BurnInState(burn_in.state),
        now=now,
    )
    return BurnInLine(burn_in, progress)


def _cost(now: datetime) -> RunRate | None:
    today = now.astimezone(UTC).date()
    return run_rate(entries_between(today, today), now)


def job_lines(now: datetime) -> tuple[JobLine, ...]:
    """Each job of the table, in its order, by the schedule that is in force. Two queries."""
    newest = {run.job: run for run in JobRun.objects.latest_of_each()}
    rows = read_schedule_rows()
    return tuple(_job_line(job, newest.get(job.key), rows.get(job.key), now) for job in JOBS.values())


def _job_line(job: Job, last: JobRun | None, row: ScheduleRow | None, now: datetime) -> JobLine:
    if row is None:
        return JobLine(job, last, None, overdue=False, fault="not scheduled: run manage.py sync_jobs")
    if not row.enabled:
        return JobLine(job, last, None, overdue=False, fault="switched off")
    if row.schedule is None:
        return JobLine(job, last, None, overdue=False, fault=row.fault)
    overdue = last is not None and is_overdue(row.schedule, last.scheduled_for, now)
    return JobLine(job, last, next_slot(row.schedule, now), overdue=overdue, fault=row.fault)


def _endpoints(now: datetime, whose: Q) -> tuple[EndpointLine, ...]:
    """Endpoints that are probed or that count, those in trouble first. Three queries.

    A paused critical endpoint still counts for the gate, so it is still shown.
    """
    window = Window.trailing(now.astimezone(UTC), WEEK)
    rows = list(
        Endpoint.objects.filter(Q(enabled=True) | Q(critical=True))
        .filter(whose)
        .select_related("state")
        .order_by("-critical", "component", "name", "id")
    )
    records = endpoint_records(rows, window)
    lines = [_line(endpoint, records[endpoint.pk], window) for endpoint in rows]
    return tuple(sorted(lines, key=lambda line: line.last_standing not in _TROUBLE_FIRST))


def _line(endpoint: Endpoint, record: EndpointRecord, window: Window) -> EndpointLine:
    return EndpointLine(
        endpoint=endpoint,
        state=getattr(endpoint, "state", None),
        week=measure(window, [record], window.end),
        strip=strip_of(window, record, window.end, cells=STRIP_CELLS),
        outages=sum(outage.confirmed for outage in record.outages),
    )
