"""Reads the watched series from rollups and ledgers: a constant number of queries, however many endpoints.

A point covers 15 minutes and is named by their end. The quarters end one minute before the clock's, so that
the cycle at 12:15 finds the quarter to 12:14 complete: probes of its last seconds have been stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Count, Sum
from django.db.models.functions import TruncDate

from intelligence.domain.growth import GrowthKind
from intelligence.domain.series import SeriesKind, availability, error_rate, latency
from intelligence.models import GrowthEvent, SeriesSample
from monitoring.domain.observing import Source
from monitoring.models import CostEntry, Endpoint

STEP = timedelta(minutes=15)
DAY = timedelta(days=1)
QUEUE = "platform:queue_depth"
PLATFORM = "platform"
# The kinds that are counted for endpoints and for the platform, by the quarter.
QUARTERLY = (SeriesKind.LATENCY, SeriesKind.ERROR_RATE, SeriesKind.TRAFFIC, SeriesKind.AVAILABILITY)
_OFFSET = timedelta(minutes=14)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC) + _OFFSET
_PROBES = (Source.MONITOR.value, Source.SYNTHETIC.value)
_QUARTERS = """
    SELECT endpoint_key, date_bin('15 minutes', at, %s) + interval '15 minutes', source = ANY(%s),
           sum(total), sum(bad), sum(latency_sum_ms), sum(latency_count)
    FROM health_minutes WHERE at >= %s AND at < %s AND (%s OR endpoint_key = ANY(%s)) GROUP BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Series:
    """A watched series: its key (unique), whose it is, and how it is called in sentences."""

    key: str
    kind: SeriesKind
    name: str
    component: str
    # What a heal of it would act upon.
    subsystem: str
    tenant_id: UUID
    step: timedelta = STEP
    endpoint_id: int | None = None


@dataclass(frozen=True, slots=True)
class Collected:
    """The series, and the new points of each, the oldest first; None is no data."""

    series: tuple[Series, ...]
    points: dict[str, list[tuple[datetime, float | None]]]


@dataclass(slots=True)
class _Quarter:
    total: int = 0
    bad: int = 0
    latency_sum_ms: float = 0.0
    answered: int = 0

    def add(self, total: int, bad: int, latency_sum_ms: float, answered: int) -> None:
        self.total += total
        self.bad += bad
        self.latency_sum_ms += latency_sum_ms
        self.answered += answered


def last_quarter(now: datetime) -> datetime:
    """The end of the newest quarter that is complete at `now`."""
    return _EPOCH + (now - _EPOCH) // STEP * STEP


def collect_quarters(
    endpoints: Sequence[Endpoint], platform_tenant: UUID | None, *, since: datetime, until: datetime
) -> Collected:
    """Latency, errors, traffic and availability of `endpoints` in `(since, until]`, both ends of quarters.

    With a `platform_tenant` those of the whole platform too. One query; needs the control plane's scope.
    """
    ids = [endpoint.pk for endpoint in endpoints]
    probes: dict[tuple[int, datetime], _Quarter] = {}
    others: dict[tuple[int, datetime], _Quarter] = {}
    with connection.cursor() as cursor:
        cursor.execute(_QUARTERS, [_EPOCH, list(_PROBES), since, until, platform_tenant is not None, ids])
        for endpoint_id, at, is_probe, *counts in cursor.fetchall():
            for key in (endpoint_id, -1):
                (probes if is_probe else others).setdefault((key, at), _Quarter()).add(*counts)
    quarters = [since + STEP * n for n in range(1, (until - since) // STEP + 1)]
    subjects = [_endpoint_subject(endpoint) for endpoint in endpoints]
    if platform_tenant is not None:
        subjects.append((-1, PLATFORM, PLATFORM, PLATFORM, platform_tenant))
    found: list[Series] = []
    points: dict[str, list[tuple[datetime, float | None]]] = {}
    for key, prefix, name, component, tenant_id in subjects:
        for kind in QUARTERLY:
            values = [_value(kind, probes.get((key, at)), others.get((key, at))) for at in quarters]
            if all(value is None for value in values):
                continue
            subsystem = name[:64]
            one = Series(
                key=f"{prefix}:{kind.value}",
                kind=kind,
                name=f"{kind.value.replace('_', ' ').capitalize()} of {name}",
                component=component,
                subsystem=subsystem,
                tenant_id=tenant_id,
                endpoint_id=key if key > 0 else None,
            )
            found.append(one)
            points[one.key] = list(zip(quarters, values, strict=True))
    return Collected(tuple(found), points)


def _endpoint_subject(endpoint: Endpoint) -> tuple[int, str, str, str, UUID]:
    return (
        endpoint.pk,
        f"endpoint:{endpoint.pk}",
        endpoint.name,
        endpoint.component or endpoint.name,
        endpoint.tenant_id,
    )


def _value(kind: SeriesKind, probes: _Quarter | None, others: _Quarter | None) -> float | None:
    """A point, or None. Probes come at our own pace, so traffic is what others reported."""
    if kind is SeriesKind.TRAFFIC:
        return float(others.total) if others else None
    if kind is SeriesKind.AVAILABILITY:
        return availability(probes.total, probes.bad) if probes else None
    if kind is SeriesKind.ERROR_RATE:
        return error_rate(others.total, others.bad) if others else None
    both = [one for one in (probes, others) if one]
    return latency(
        sum(one.latency_sum_ms for one in both),
        sum(one.answered for one in both),
        sum(max(0, one.total - one.answered) for one in both),
    )


def sample_queue(depth: int | None, at: datetime) -> None:
    """This will keep the queue's depth at the end of a quarter, once."""
    if depth is not None:
        SeriesSample.objects.bulk_create(
            [SeriesSample(series=QUEUE, at=at, value=depth)], ignore_conflicts=True
        )


def collect_queue(tenant_id: UUID, *, since: datetime, until: datetime) -> Collected:
    """The queue's depth as it was sampled. One query."""
    series = Series(QUEUE, SeriesKind.QUEUE_DEPTH, "Queue depth", PLATFORM, "queue", tenant_id)
    rows = SeriesSample.objects.filter(series=QUEUE, at__gt=since, at__lte=until).order_by("at")
    points: list[tuple[datetime, float | None]] = list(rows.values_list("at", "value"))
    return Collected((series,), {QUEUE: points}) if points else Collected((), {})


def daily_values(kind: SeriesKind, first: date, last: date) -> dict[date, float]:
    """The days from `first` to `last` that have a value. One query; needs the control plane's scope."""
    if kind is SeriesKind.COST:
        rows = CostEntry.objects.filter(day__gte=first, day__lte=last)
        return {
            day: float(amount)
            for day, amount in rows.order_by().values_list("day").annotate(total=Sum("amount"))
        }
    steps = GrowthEvent.objects.filter(at__gte=midnight(first), at__lt=midnight(last + DAY)).order_by()
    days = steps.annotate(day=TruncDate("at", tzinfo=UTC)).values_list("day")
    if kind is SeriesKind.REVENUE:
        paid = days.filter(kind=GrowthKind.PAID.value).annotate(total=Sum("revenue_cents"))
        return {day: (cents or 0) / 100 for day, cents in paid}
    signups = days.filter(kind=GrowthKind.SIGNUP.value).annotate(total=Count("pk"))
    return {day: float(n) for day, n in signups}


def collect_days(tenant_id: UUID, *, since: date, now: datetime) -> Collected:
    """Cost, revenue and sign-ups of the completed UTC days after `since`. Three queries.

    Between days on which something was recorded a day without revenue or sign-ups had none; before the first
    such day, and of costs, nothing is known.
    """
    last = now.astimezone(UTC).date() - DAY
    found: list[Series] = []
    points: dict[str, list[tuple[datetime, float | None]]] = {}
    for kind in (SeriesKind.COST, SeriesKind.REVENUE, SeriesKind.SIGN_UPS):
        values = daily_values(kind, since + DAY, last)
        if not values:
            continue
        key = f"{PLATFORM}:{kind.value}"
        name = f"{kind.value.replace('_', ' ').capitalize()} a day"
        found.append(Series(key, kind, name, PLATFORM, kind.value, tenant_id, DAY))
        first = min(values)
        points[key] = [
            (midnight(day + DAY), values.get(day, None if kind is SeriesKind.COST else 0.0))
            for day in days_between(first, last)
        ]
    return Collected(tuple(found), points)


def midnight(day: date) -> datetime:
    """The beginning of a UTC day."""
    return datetime.combine(day, time(), UTC)


def days_between(first: date, last: date) -> list[date]:
    """All days from `first` to `last`."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def merged(parts: Iterable[Collected]) -> Collected:
    """All of them in one."""
    series: list[Series] = []
    points: dict[str, list[tuple[datetime, float | None]]] = {}
    for part in parts:
        series += part.series
        points |= part.points
    return Collected(tuple(series), points)
