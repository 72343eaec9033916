"""The two gates that are read from whole UTC days: intelligence API days and daily cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from decimal import Decimal
from enum import StrEnum

from monitoring.domain.evidence import ApiDay, CostFacts, Evidence, usable_amount, usable_share
from monitoring.domain.figures import counted, dollars
from monitoring.domain.policy import ApiDaysCriterion, CostCriterion, GateKey, WindowRule
from monitoring.domain.readings import read, unread, window_gap
from monitoring.domain.verdicts import Reading


class DayStanding(StrEnum):
    """What one UTC day is to the streak, worst first; the first two break it, a paused one does not."""

    BAD = "bad"
    UNOBSERVED = "unobserved"
    PAUSED = "paused"
    SERVED = "served"


_WORST_FIRST = tuple(DayStanding)


def stand_of_day(fact: ApiDay, criterion: ApiDaysCriterion) -> DayStanding:
    """What one completed day is to the streak.

    A bad or unobserved day breaks it even if an alert was firing, or every outage would excuse itself by the
    alert that it raised: only a day that was served in full may be paused.
    """
    shares: dict[str, list[float | None]] = {name: [] for name in criterion.endpoints}
    for one in fact.endpoints:
        shares.setdefault(one.endpoint, []).append(usable_share(one.share_ok))
    wanted = [share for name in criterion.endpoints for share in shares[name] or [None]]
    if any(share is not None and share < criterion.share_ok for share in wanted):
        return DayStanding.BAD
    coverage = usable_share(fact.coverage)
    if coverage is None or coverage < criterion.coverage or None in (*wanted, fact.alert_firing):
        return DayStanding.UNOBSERVED
    return DayStanding.PAUSED if fact.alert_firing else DayStanding.SERVED


@dataclass(frozen=True, slots=True)
class Streak:
    """Consecutive served days up to the last completed day, newest first, and what ended them going back."""

    served: tuple[date, ...]
    paused: tuple[date, ...]
    broken_on: date
    broken_by: DayStanding


def find_streak(days: Mapping[date, DayStanding], last: date) -> Streak:
    """Walk back from `last`, the last completed UTC day; a day that is not in `days` was not observed."""
    served: list[date] = []
    paused: list[date] = []
    day = last
    while (standing := days.get(day, DayStanding.UNOBSERVED)) in (DayStanding.SERVED, DayStanding.PAUSED):
        (served if standing is DayStanding.SERVED else paused).append(day)
        day -= timedelta(days=1)
    return Streak(tuple(served), tuple(paused), broken_on=day, broken_by=standing)


def read_api_days(evidence: Evidence, criterion: ApiDaysCriterion) -> Reading:
    """The streak of served days: short for want of observed days is NO DATA, cut by a bad day is FAIL."""
    limit = criterion.min_days
    today = evidence.judged_at.astimezone(UTC).date()
    facts = [fact for fact in evidence.api_days or () if fact.completed]
    days: dict[date, DayStanding] = {}
    for fact in facts:
        standings = (stand_of_day(fact, criterion), days.get(fact.day, DayStanding.SERVED))
        days[fact.day] = min(standings, key=_WORST_FIRST.index)
    streak = find_streak(days, today - timedelta(days=1))
    inside = len(streak.served) >= limit
    paused_today = any(fact.alert_firing for fact in evidence.api_days or () if fact.day == today)
    missing = () if inside else (_days_gap(streak, limit, today, paused_today=paused_today),)
    recent = [today - timedelta(days=back) for back in range(1, limit + 1)]
    used = {*recent, *streak.served, *streak.paused, streak.broken_on}
    return read(
        GateKey.INTELLIGENCE_API_DAYS,
        limit=limit,
        value=len(streak.served),
        inside=inside,
        violated=not inside and streak.broken_by is DayStanding.BAD,
        explanation=_streak_sentence(streak, limit),
        missing=missing,
        coverage=_mean_coverage(facts, recent),
        samples=len({fact.day for fact in facts}.intersection(recent)),
        rows=(
            *(f"api-day:{day.isoformat()}:{standing}" for day, standing in days.items() if day in used),
            *(fact.row for fact in facts if fact.row and fact.day in used),
        ),
    )


def _mean_coverage(facts: Iterable[ApiDay], recent: list[date]) -> float:
    """The observed share of the recent days; of a day told twice the lesser, of a missing one nothing."""
    least: dict[date, float] = {}
    for fact in facts:
        told = usable_share(fact.coverage) or 0.0
        least[fact.day] = min(told, least.get(fact.day, 1.0))
    return sum(least.get(day, 0.0) for day in recent) / len(recent)


def _streak_sentence(streak: Streak, limit: int) -> str:
    if streak.served:
        span = f"{streak.served[-1].isoformat()} to {streak.served[0].isoformat()}"
        text = f"{counted(len(streak.served), 'consecutive day')} served, {span}; {limit} needed."
    else:
        text = f"No served day counts up to now; {counted(limit, 'consecutive day')} needed."
    if streak.paused:
        text += f" {counted(len(streak.paused), 'day')} with a firing alert not counted."
    before = "The day before that" if streak.served or streak.paused else "The last completed day"
    return f"{text} {before}, {streak.broken_on.isoformat()}, was {streak.broken_by}."


def _days_gap(streak: Streak, limit: int, today: date, *, paused_today: bool) -> str:
    short = limit - len(streak.served)
    earliest = today + timedelta(days=short + paused_today)
    return f"{counted(short, 'more day')} needed: {earliest.isoformat()} 00:00 UTC at the earliest."


def read_daily_cost(evidence: Evidence, criterion: CostCriterion, rule: WindowRule) -> Reading:
    """The dearest completed day of the window; before any is completed, today's run-rate stands in for it."""
    facts, limit = evidence.costs, criterion.max_usd
    if facts is None:
        return unread(GateKey.DAILY_COST, limit, "No cost was recorded.")
    today = evidence.judged_at.astimezone(UTC).date()
    wanted = [day for day in evidence.window.days() if day < today]
    totals = _known_totals(facts)
    known = {day: totals[day] for day in wanted if day in totals}
    run_rate = usable_amount(facts.run_rate)
    value = max(known.values(), default=run_rate)
    if value is None:
        problem = "No completed day of the window has a cost entry, and today has none either."
        return unread(GateKey.DAILY_COST, limit, problem, rows=facts.rows)
    inside = value <= limit
    return read(
        GateKey.DAILY_COST,
        limit=limit,
        value=value,
        inside=inside,
        violated=not inside,
        explanation=_cost_sentence(facts, known, run_rate, limit),
        missing=(*window_gap(evidence, rule), *_cost_gap(wanted, known)),
        coverage=len(known) / len(wanted) if wanted else 0.0,
        samples=len(known),
        rows=(*facts.rows, *(f"cost-day:{day.isoformat()}" for day in known)),
    )


def _known_totals(facts: CostFacts) -> dict[date, Decimal]:
    """The total of each known completed day; told twice the dearer counts, unless one of them is unusable."""
    told: dict[date, list[Decimal | None]] = {}
    for fact in facts.days:
        if fact.completed:
            told.setdefault(fact.day, []).append(usable_amount(fact.total))
    return {
        day: max(total for total in totals if total is not None)
        for day, totals in told.items()
        if None not in totals
    }


def _cost_gap(wanted: list[date], known: Mapping[date, Decimal]) -> list[str]:
    unknown = [day.isoformat() for day in wanted if day not in known]
    if not wanted:
        return ["No day of the window is completed yet."]
    return [f"No usable cost is recorded for {', '.join(unknown)}."] if unknown else []


def _cost_sentence(
    facts: CostFacts, known: Mapping[date, Decimal], run_rate: Decimal | None, limit: Decimal
) -> str:
    rate = "not known" if run_rate is None else f"{dollars(run_rate)} a day"
    if not known:
        return f"No completed day is known; today's run-rate is {rate}, the limit {dollars(limit)}."
    dearest = max(known, key=lambda day: (known[day], day))
    text = f"The dearest day was {dearest.isoformat()} with {dollars(known[dearest])},"
    text += f" the limit is {dollars(limit)}; today's run-rate is {rate}."
    estimated = sorted(
        {fact.day.isoformat() for fact in facts.days if fact.all_estimated and fact.day in known}
    )
    return f"{text} Only estimated: {', '.join(estimated)}." if estimated else text
