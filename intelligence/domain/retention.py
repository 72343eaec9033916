"""Who comes back: active users, churn, cohorts, and what each source of visitors brings.

Days are UTC days. A day the record does not reach back to is not known, which is not the same as nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

DIRECT: Final = "direct"
WEEK: Final = 7
MONTH: Final = 30
INACTIVE_AFTER: Final = timedelta(days=30)
_CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Activity:
    """That a user was active (or visited, or paid …) on a day."""

    user: str
    day: date


@dataclass(frozen=True, slots=True)
class ActiveUsers:
    """How many different users were active on `day`, in the 7 and in the 30 days that end with it.

    None where the record begins after the day. `recorded_days` (0 to 30) says how much of the month is
    recorded.
    """

    day: date
    dau: int | None
    wau: int | None
    mau: int | None
    recorded_days: int

    @property
    def stickiness(self) -> float | None:
        """DAU / MAU, 0 to 1; None when it cannot be told."""
        return self.dau / self.mau if self.dau is not None and self.mau else None


def active_users(activities: Iterable[Activity], day: date, recorded_since: date | None) -> ActiveUsers:
    """Count the users of the 1, 7 and 30 days that end with `day`; `recorded_since` is the first day kept."""
    if recorded_since is None or recorded_since > day:
        return ActiveUsers(day, None, None, None, recorded_days=0)
    recent = [one for one in activities if 0 <= (day - one.day).days < MONTH]
    return ActiveUsers(
        day=day,
        dau=len({one.user for one in recent if one.day == day}),
        wau=len({one.user for one in recent if (day - one.day).days < WEEK}),
        mau=len({one.user for one in recent}),
        recorded_days=min(MONTH, (day - recorded_since).days + 1),
    )


@dataclass(frozen=True, slots=True)
class Member:
    """When a member joined and was last active; None is never."""

    joined_at: datetime
    last_active_at: datetime | None


@dataclass(frozen=True, slots=True)
class Churn:
    """How many members were inactive for 30 days or more, of how many; None as rate without any member."""

    inactive: int
    members: int

    @property
    def rate(self) -> float | None:
        """0 to 100."""
        return 100.0 * self.inactive / self.members if self.members else None


def churn(members: Iterable[Member], now: datetime) -> Churn:
    """Members inactive for 30 days or more / all members who had joined by `now`.

    One who was never active counts as inactive from 30 days after joining. What lies after `now` is not known
    yet.
    """
    joined = [member for member in members if member.joined_at <= now]
    inactive = sum(now - _last_seen(member, now) >= INACTIVE_AFTER for member in joined)
    return Churn(inactive=inactive, members=len(joined))


def _last_seen(member: Member, now: datetime) -> datetime:
    active = member.last_active_at
    return max(member.joined_at, active) if active is not None and active <= now else member.joined_at


def source_of(name: str | None) -> str:
    """The name of a source, trimmed and in lower case; a blank one is `direct`."""
    return (name or "").strip().lower() or DIRECT


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """What was counted of one source over a span: visits, sign-ups, paying users, and revenue in cents."""

    source: str
    visits: int
    signups: int
    paid: int
    revenue_cents: int


@dataclass(frozen=True, slots=True)
class Funnel:
    """A source's funnel; rates are None where what they divide by is 0, money is in US dollars.

    `conversion` is sign-ups per visit and `paid_conversion` paying users per sign-up, both in percent; above
    100 means that steps before were not recorded. `arpu` is the revenue per sign-up.
    """

    source: str
    visits: int
    signups: int
    paid: int
    revenue: Decimal
    conversion: float | None
    paid_conversion: float | None
    arpu: Decimal | None


def funnels(counts: Iterable[SourceCounts]) -> tuple[Funnel, ...]:
    """One funnel per source, the same source under different spellings added up, ordered by name.

    Raises:
        ValueError: when a count is negative. (Revenue may be: refunds.)
    """
    added: dict[str, SourceCounts] = {}
    for one in counts:
        if min(one.visits, one.signups, one.paid) < 0:
            raise ValueError(f"The counts of source {one.source!r} hold a negative number; count them again.")
        name = source_of(one.source)
        known = added.get(name, SourceCounts(name, 0, 0, 0, 0))
        added[name] = SourceCounts(
            source=name,
            visits=known.visits + one.visits,
            signups=known.signups + one.signups,
            paid=known.paid + one.paid,
            revenue_cents=known.revenue_cents + one.revenue_cents,
        )
    return tuple(_funnel(added[name]) for name in sorted(added))


def _funnel(counts: SourceCounts) -> Funnel:
    revenue = Decimal(counts.revenue_cents) / 100
    arpu = revenue / counts.signups if counts.signups else None
    return Funnel(
        source=counts.source,
        visits=counts.visits,
        signups=counts.signups,
        paid=counts.paid,
        revenue=revenue,
        conversion=100.0 * counts.signups / counts.visits if counts.visits else None,
        paid_conversion=100.0 * counts.paid / counts.signups if counts.signups else None,
        arpu=arpu.quantize(_CENT, rounding=ROUND_HALF_UP) if arpu is not None else None,
    )


@dataclass(frozen=True, slots=True)
class Cohort:
    """The users who signed up in one week, and what share (0 to 1) was active in each week after.

    `retained[0]` is the week of signing up itself. Weeks that are not over are not in it.
    """

    week: date
    users: int
    retained: tuple[float, ...]


def cohorts(signups: Iterable[Activity], activities: Iterable[Activity], today: date) -> tuple[Cohort, ...]:
    """Cohorts by week (Monday first), the oldest first; a user belongs to the week of the first sign-up."""
    joined: dict[str, date] = {}
    for one in signups:
        week = _monday(one.day)
        joined[one.user] = min(week, joined.get(one.user, week))
    active = {(one.user, _monday(one.day)) for one in activities}
    this_week = _monday(today)
    found = []
    for week in sorted(set(joined.values())):
        users = [user for user, first in joined.items() if first == week]
        weeks = [week + timedelta(weeks=step) for step in range(max(0, (this_week - week).days // WEEK))]
        shares = (sum((user, later) in active for user in users) / len(users) for later in weeks)
        found.append(Cohort(week=week, users=len(users), retained=tuple(shares)))
    return tuple(found)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
