"""Looks ahead: when GO is possible at the earliest, and what may still go wrong until the review.

Nothing here changes what was measured: time goes on without a single failure and with everything observed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

from monitoring.domain.costs import CostDay
from monitoring.domain.day_readings import DayStanding, find_streak, stand_of_day
from monitoring.domain.evidence import EndpointDay, Evidence, usable_amount, usable_share
from monitoring.domain.figures import clock_text, counted, exact, percent_of
from monitoring.domain.gates import GATE_TITLES, TRIGGER_TITLES, evaluate
from monitoring.domain.policy import GateKey, Policy, TriggerKey, WindowKind
from monitoring.domain.uptime import EndpointRecord, measure
from monitoring.domain.windows import Window, union, window_or_none

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class HourCount:
    """Observations of one hour, all endpoints together."""

    at: datetime
    total: int
    bad: int


@dataclass(frozen=True, slots=True)
class Course:
    """What is needed, besides the evidence, to look ahead: the record of each critical endpoint, the counts
    of the past hours, the moments at which each subsystem was healed or an intelligence probe failed, and
    when the review is due."""

    records: tuple[EndpointRecord, ...]
    hours: tuple[HourCount, ...] = ()
    api_failures: tuple[datetime, ...] = ()
    review_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Earliest:
    """When one gate or trigger would be in order at the earliest; `at` is None when time alone mends nothing."""

    subject: str
    at: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class EarliestGo:
    """When GO is possible if nothing fails from now on; None when something needs more than time."""

    at: datetime | None
    parts: tuple[Earliest, ...]


def earliest_go(evidence: Evidence, policy: Policy, course: Course) -> EarliestGo:
    """Look ahead to the moment at which all gates are proven, if from now on all is observed and good."""
    verdict = evaluate(evidence, policy)
    parts = [
        reading_part
        for reading in verdict.gates
        if not reading.proven
        for reading_part in [_earliest_gate(reading.key, evidence, policy, course)]
    ]
    parts += [
        _earliest_trigger(trigger.key, evidence, policy, course)
        for trigger in verdict.triggers
        if trigger.fired or not trigger.observed
    ]
    moments = [part.at for part in parts]
    if any(moment is None for moment in moments):
        return EarliestGo(None, tuple(parts))
    known = [moment for moment in moments if moment is not None]
    return EarliestGo(max([evidence.judged_at, *known]), tuple(parts))


def _earliest_gate(key: GateKey, evidence: Evidence, policy: Policy, course: Course) -> Earliest:
    title = GATE_TITLES[key]
    if getattr(policy, key.value) is None:
        return Earliest(title, None, "The policy has no criterion for this gate.")
    if key in (GateKey.UPTIME, GateKey.P1_INCIDENTS):
        if not course.records:
            return Earliest(title, None, "No critical endpoint is watched.")
        if key is GateKey.P1_INCIDENTS:
            return _earliest_p1(title, evidence, policy, course)
        return _earliest_uptime(title, evidence, policy, course)
    if key is GateKey.ERROR_RATE:
        return _earliest_error_rate(evidence, policy, course)
    if key is GateKey.DAILY_COST:
        return _earliest_cost(title, evidence, policy)
    return _earliest_api_days(title, evidence, policy)


def window_at(at: datetime, evidence: Evidence, policy: Policy) -> Window:
    """The window that will decide at `at`."""
    if policy.window.kind is WindowKind.BURN_IN:
        return Window(evidence.window.start, evidence.window.end)
    return Window.trailing(at, timedelta(days=policy.window.days))


def going_well(records: Sequence[EndpointRecord], now: datetime, until: datetime) -> list[EndpointRecord]:
    """The records as they would be if from `now` on every endpoint were observed and up."""
    ahead = window_or_none(now, until)
    return [
        replace(
            record,
            spans=union(record.spans, (ahead,) if ahead else ()),
            outages=tuple(
                outage
                if outage.first_good_at is not None
                else replace(outage, first_good_at=max(now, outage.first_bad_at, outage.last_bad_at))
                for outage in record.outages
            ),
        )
        for record in records
    ]


def _first_moment(holds: Callable[[datetime], bool], now: datetime, last: datetime) -> datetime | None:
    """The first whole second from `now` to `last` at which `holds`, which never becomes false again."""
    if not holds(last):
        return None
    low, high = 0, int((last - now) / _SECOND) + 1
    while low < high:
        middle = (low + high) // 2
        if holds(min(now + middle * _SECOND, last)):
            high = middle
        else:
            low = middle + 1
    return min(now + low * _SECOND, last)


def last_moment(evidence: Evidence, policy: Policy) -> datetime:
    """By then every trailing window holds only the good future; a burn-in's own window has ended."""
    ahead = evidence.judged_at + timedelta(days=policy.window.days)
    return max(ahead, evidence.window.end) if policy.window.kind is WindowKind.BURN_IN else ahead


def _earliest_uptime(title: str, evidence: Evidence, policy: Policy, course: Course) -> Earliest:
    criterion, now = policy.uptime, evidence.judged_at
    assert criterion is not None  # the caller looked
    last = last_moment(evidence, policy)

    def holds(at: datetime) -> bool:
        window = window_at(at, evidence, policy)
        if window.end > at:
            return False
        measured = measure(window, going_well(course.records, now, last), at)
        share = measured.uptime.low if measured.uptime else None
        return (
            share is not None
            and percent_of(share) >= exact(criterion.min_percent)
            and measured.coverage >= criterion.coverage
        )

    at = _first_moment(holds, now, last)
    if at is None:
        return Earliest(
            title, None, "The burn-in's window holds too much downtime or too little observation."
        )
    return Earliest(title, at, "Downtime and unobserved time must leave the window.")


def _earliest_p1(title: str, evidence: Evidence, policy: Policy, course: Course) -> Earliest:
    criterion, now = policy.p1_incidents, evidence.judged_at
    assert criterion is not None  # the caller looked
    last = last_moment(evidence, policy)

    def holds(at: datetime) -> bool:
        window = window_at(at, evidence, policy)
        coverage = measure(window, going_well(course.records, now, last), at).coverage
        return window.end <= at and coverage >= criterion.coverage

    watched = _first_moment(holds, now, last)
    gone = _p1_gone(evidence, policy, allowed=criterion.max_count)
    if gone.at is None:
        return Earliest(title, None, gone.why)
    if watched is None:
        return Earliest(title, None, "The burn-in's window was observed too little.")
    return Earliest(
        title, max(watched, gone.at), gone.why if gone.at > watched else "The window must be monitored."
    )


def _p1_gone(evidence: Evidence, policy: Policy, *, allowed: int) -> Earliest:
    """When at most `allowed` P1 incidents touch the window."""
    title, now = GATE_TITLES[GateKey.P1_INCIDENTS], evidence.judged_at
    if evidence.incidents is None:
        return Earliest(title, None, "Incidents were not looked at.")
    end = now + timedelta(microseconds=1)
    found = [
        one for one in evidence.incidents.incidents if one.is_p1 and one.touches(evidence.window.start, end)
    ]
    if len(found) <= allowed:
        return Earliest(title, now, "")
    unresolved = [one for one in found if one.resolved_at is None]
    if policy.window.kind is WindowKind.BURN_IN:
        return Earliest(title, None, "A burn-in's own window does not move on: its P1 incidents stay in it.")
    if len(unresolved) > allowed:
        return Earliest(title, None, f"Incident {unresolved[0].id} ({unresolved[0].title}) is still open.")
    ends = sorted((one.resolved_at for one in found if one.resolved_at is not None), reverse=True)
    leaves = ends[allowed - len(unresolved)] + timedelta(days=policy.window.days, microseconds=1)
    return Earliest(
        title, leaves, f"The last P1 must have been resolved {counted(policy.window.days, 'day')} ago."
    )


def _earliest_error_rate(evidence: Evidence, policy: Policy, course: Course) -> Earliest:
    title, criterion, now = GATE_TITLES[GateKey.ERROR_RATE], policy.error_rate, evidence.judged_at
    assert criterion is not None  # the caller looked
    if evidence.error_rate is None or not course.hours:
        return Earliest(title, None, "Nothing is being observed, so no observations will come by themselves.")
    length = timedelta(hours=criterion.hours)
    limit = Fraction(exact(criterion.max_percent)) / 100
    recent = [hour.total for hour in course.hours if hour.at >= now - timedelta(hours=7)][:-1]
    rate = Fraction(max(recent, default=0))

    def holds(at: datetime) -> bool:
        kept = [hour for hour in course.hours if hour.at + timedelta(hours=1) > at - length]
        fresh = rate * Fraction((at - now) // _SECOND, 3600)
        bad, total = sum(hour.bad for hour in kept), sum(hour.total for hour in kept) + fresh
        enough = total >= criterion.min_observations and bad <= limit * total
        covered = measure(
            Window.trailing(at, length), going_well(course.records, now, now + length), at
        ).coverage
        return enough and bool(course.records) and covered >= criterion.coverage

    at = _first_moment(holds, now, now + length)
    if at is None:
        needed = counted(criterion.min_observations, "observation")
        return Earliest(title, None, f"At this rate {criterion.hours} h will not hold {needed}.")
    return Earliest(title, at, f"Bad and unobserved time must leave the past {criterion.hours} h.")


def _earliest_cost(title: str, evidence: Evidence, policy: Policy) -> Earliest:
    criterion, facts = policy.daily_cost, evidence.costs
    assert criterion is not None  # the caller looked
    today = evidence.judged_at.astimezone(UTC).date()
    told = {day.day: day for day in facts.days} if facts else {}
    wanted = [day for day in evidence.window.days() if day < today]
    wrong = [day for day in wanted if _spoils(told.get(day), criterion.max_usd)]
    if _is_dear(told.get(today), criterion.max_usd):
        wrong.append(today)
    if not wrong:
        return Earliest(
            title, max(evidence.judged_at, _midnight(today + timedelta(days=1))), "A day must complete."
        )
    if policy.window.kind is WindowKind.BURN_IN:
        return Earliest(title, None, f"{wrong[-1].isoformat()} stays in the burn-in's own window.")
    leaves = _midnight(wrong[-1] + timedelta(days=1 + policy.window.days))
    return Earliest(title, leaves, f"{wrong[-1].isoformat()} must leave the window.")


def _spoils(day: CostDay | None, limit: Decimal) -> bool:
    return day is None or usable_amount(day.total) is None or _is_dear(day, limit)


def _is_dear(day: CostDay | None, limit: Decimal) -> bool:
    total = usable_amount(day.total) if day else None
    return total is not None and total > limit


def _earliest_api_days(title: str, evidence: Evidence, policy: Policy) -> Earliest:
    criterion = policy.intelligence_api_days
    assert criterion is not None  # the caller looked
    today = evidence.judged_at.astimezone(UTC).date()
    facts = [fact for fact in evidence.api_days or () if fact.completed]
    days: dict[date, DayStanding] = {fact.day: stand_of_day(fact, criterion) for fact in facts}
    streak = find_streak(days, today - timedelta(days=1))
    now_day = next((fact for fact in evidence.api_days or () if fact.day == today), None)
    # A day of which the morning was not watched cannot be served any more.
    gone = (evidence.judged_at - _midnight(today)) / timedelta(days=1)
    seen = usable_share(now_day.coverage) if now_day else None
    spoiled = now_day is None or (seen or 0.0) + (1 - gone) < criterion.coverage
    spoiled = spoiled or (now_day is not None and _was_bad(now_day.endpoints, criterion.share_ok))
    if any(fact.alert_firing is None for fact in facts[-1:]):
        return Earliest(title, None, "Whether alerts were firing is not known, so no day can count.")
    paused = now_day is not None and bool(now_day.alert_firing)
    short = criterion.min_days if spoiled else criterion.min_days - len(streak.served) + paused
    first = today + timedelta(days=1) if spoiled else today
    return Earliest(
        title,
        _midnight(first + timedelta(days=short)),
        f"{counted(criterion.min_days, 'consecutive served day')} must be completed.",
    )


def _was_bad(endpoints: Iterable[EndpointDay], share_ok: float) -> bool:
    """Whether so much of today failed already that even a perfect rest could be too little to tell."""
    shares = [usable_share(one.share_ok) for one in endpoints]
    return any(share is not None and share < share_ok for share in shares)


def _earliest_trigger(key: TriggerKey, evidence: Evidence, policy: Policy, course: Course) -> Earliest:
    title, rule, now = TRIGGER_TITLES[key], policy.triggers, evidence.judged_at
    if rule is None:
        return Earliest(title, None, "The policy has no rule for this trigger.")
    trigger = next(one for one in evaluate(evidence, policy).triggers if one.key is key)
    if not trigger.observed:
        return Earliest(title, None, f"It must first be observed: {trigger.explanation}")
    if policy.window.kind is WindowKind.BURN_IN:
        return Earliest(title, None, "What happened in a burn-in's own window stays in it.")
    days = timedelta(days=policy.window.days)
    if key is TriggerKey.P1_INCIDENT:
        gone = _p1_gone(evidence, policy, allowed=rule.p1_incidents - 1)
        return Earliest(title, gone.at, gone.why)
    if key is TriggerKey.COST_SPIKE and evidence.costs is not None:
        dear = [day.day for day in evidence.costs.days if _is_dear(day, rule.above_usd_per_day)]
        return Earliest(
            title, _midnight(max(dear) + timedelta(days=1)) + days, f"{max(dear)} must leave the window."
        )
    if key is TriggerKey.API_ERRORS and course.api_failures and not _server_errors(evidence, policy):
        last = max(course.api_failures)
        why = f"The failed probe of {clock_text(last)} must leave the window."
        return Earliest(title, max(now, last + days + timedelta(microseconds=1)), why)
    return Earliest(title, now + days, "What happened must leave the window, at the latest by then.")


def _server_errors(evidence: Evidence, policy: Policy) -> bool:
    facts, rule = evidence.triggers, policy.triggers
    return bool(facts and rule and (facts.api_server_errors or 0) >= rule.api_server_errors)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
