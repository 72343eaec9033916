"""Active users by day and by source, written down by the daily jobs; the funnel and the cohorts, read anew.

All in the name of one tenant, whose events alone are seen.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

from django.db.models import Max, Min

from intelligence.domain.growth import GrowthKind
from intelligence.domain.retention import (
    MONTH,
    Activity,
    Churn,
    Cohort,
    Funnel,
    Member,
    SourceCounts,
    active_users,
    churn,
    cohorts,
    funnels,
    source_of,
)
from intelligence.models import AnalyticsAggregate, GrowthEvent, ReferralRetention
from intelligence.services.collecting import days_between, midnight

_DAY = timedelta(days=1)
SOURCE_DAYS = 30


def completed_day(now: datetime) -> date:
    """The last UTC day that is over at `now`."""
    return now.astimezone(UTC).date() - _DAY


def aggregate_day(day: date, *, now: datetime) -> AnalyticsAggregate:
    """This will write the active users of `day`, or write them anew. Needs a tenant's scope. Three queries."""
    events = GrowthEvent.objects.filter(kind=GrowthKind.ACTIVE.value)
    since = events.aggregate(first=Min("at"))["first"]
    seen = events.filter(at__gte=midnight(day - timedelta(days=MONTH - 1)), at__lt=midnight(day + _DAY))
    activities = [Activity(user, at.astimezone(UTC).date()) for user, at in seen.values_list("user", "at")]
    found = active_users(activities, day, since.astimezone(UTC).date() if since else None)
    row, _ = AnalyticsAggregate.objects.update_or_create(
        day=day,
        defaults={
            "dau": found.dau,
            "wau": found.wau,
            "mau": found.mau,
            "recorded_days": found.recorded_days,
            "computed_at": now,
        },
    )
    return row


def aggregate_sources(last: date, *, now: datetime) -> int:
    """This will write 30 days up to `last` for every source, and return how many rows. Needs a tenant's scope.

    A person belongs to the source of the first event that names one. Two statements.
    """
    first = last - timedelta(days=SOURCE_DAYS - 1)
    events = list(
        GrowthEvent.objects.filter(
            at__gte=midnight(first - timedelta(days=MONTH - 1)), at__lt=midnight(last + _DAY)
        )
        .order_by("at")
        .values_list("kind", "user", "source", "at", "revenue_cents")
    )
    came_from = _sources(events)
    active: dict[str, set[tuple[str, date]]] = defaultdict(set)
    counted: dict[tuple[str, date, str], set[str]] = defaultdict(set)
    times: dict[tuple[str, date, str], int] = defaultdict(int)
    cents: dict[tuple[str, date], int] = defaultdict(int)
    for kind, user, _, at, revenue in events:
        day, source = at.astimezone(UTC).date(), came_from[user]
        if kind == GrowthKind.ACTIVE.value:
            active[source].add((user, day))
        counted[source, day, kind].add(user)
        times[source, day, kind] += 1
        cents[source, day] += revenue or 0
    rows = []
    for source in sorted(set(came_from.values())):
        for day in days_between(first, last):
            recent = [(user, (day - at).days) for user, at in active[source] if 0 <= (day - at).days < MONTH]
            rows.append(
                ReferralRetention(
                    day=day,
                    source=source,
                    dau=len({user for user, ago in recent if ago == 0}),
                    wau=len({user for user, ago in recent if ago < 7}),
                    mau=len({user for user, _ in recent}),
                    paid=len(counted[source, day, GrowthKind.PAID.value]),
                    visits=times[source, day, GrowthKind.VISIT.value],
                    signups=len(counted[source, day, GrowthKind.SIGNUP.value]),
                    revenue_cents=cents[source, day],
                    computed_at=now,
                )
            )
    ReferralRetention.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["tenant", "day", "source"],
        update_fields=["dau", "wau", "mau", "paid", "visits", "signups", "revenue_cents", "computed_at"],
    )
    return len(rows)


def _sources(events: list[tuple[str, str, str, datetime, int | None]]) -> dict[str, str]:
    """Where each person came from; events are the oldest first."""
    found: dict[str, str] = {}
    for _, user, source, _, _ in events:
        if user not in found or (source.strip() and found[user] == source_of("")):
            found[user] = source_of(source)
    return found


def read_funnel(now: datetime) -> tuple[Funnel, ...]:
    """The funnel per source over the last 30 completed days, from what the daily job wrote. One query."""
    last = completed_day(now)
    rows = ReferralRetention.objects.filter(day__gt=last - timedelta(days=SOURCE_DAYS), day__lte=last)
    fields = ("source", "visits", "signups", "paid", "revenue_cents")
    return funnels(SourceCounts(*row) for row in rows.values_list(*fields))


def read_cohorts(now: datetime, *, weeks: int = 12) -> tuple[Cohort, ...]:
    """The last `weeks` weeks of sign-ups and who of them came back. Two queries; needs a tenant's scope."""
    today = now.astimezone(UTC).date()
    since = midnight(today - timedelta(weeks=weeks, days=today.weekday()))
    found = {
        kind: [
            Activity(user, at.astimezone(UTC).date())
            for user, at in GrowthEvent.objects.filter(
                kind=kind.value, at__gte=since, at__lte=now
            ).values_list("user", "at")
        ]
        for kind in (GrowthKind.SIGNUP, GrowthKind.ACTIVE)
    }
    return cohorts(found[GrowthKind.SIGNUP], found[GrowthKind.ACTIVE], today)


def read_churn(at: datetime) -> Churn:
    """Who had gone by `at`. One query; needs a tenant's scope."""
    people = GrowthEvent.objects.filter(at__lte=at).order_by().values_list("user")
    joined = people.filter(kind=GrowthKind.SIGNUP.value).annotate(first=Min("at"))
    active = dict(people.filter(kind=GrowthKind.ACTIVE.value).annotate(last=Max("at")))
    return churn((Member(first, active.get(user)) for user, first in joined), at)


def churn_by_day(first: date, last: date) -> dict[date, float]:
    """The churn rate in percent at the end of each day that had members. Two queries; needs a tenant's scope."""
    people = GrowthEvent.objects.filter(at__lt=midnight(last + _DAY)).order_by("at")
    joined: dict[str, datetime] = {}
    for user, at in people.filter(kind=GrowthKind.SIGNUP.value).values_list("user", "at"):
        joined.setdefault(user, at)
    seen: dict[str, list[datetime]] = defaultdict(list)
    for user, at in people.filter(kind=GrowthKind.ACTIVE.value).values_list("user", "at"):
        seen[user].append(at)
    found: dict[date, float] = {}
    for day in days_between(first, last):
        end = midnight(day + _DAY)
        members = [
            Member(at, max((one for one in seen[user] if one < end), default=None))
            for user, at in joined.items()
            if at < end
        ]
        rate = churn(members, end).rate
        if rate is not None:
            found[day] = rate
    return found
