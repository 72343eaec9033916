"""Intelligence API days and daily cost: which days count, which break, which are unknown."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from monitoring.domain.costs import CostDay
from monitoring.domain.day_readings import DayStanding, find_streak, stand_of_day
from monitoring.domain.evidence import ApiDay, EndpointDay, Evidence, Window
from monitoring.domain.policy import ApiDaysCriterion, GateKey
from monitoring.domain.verdicts import Reading, Standing
from tests.monitoring.domain.clean_evidence import (
    ENDPOINTS,
    JUDGED_AT,
    LAST_DAY,
    api_day,
    api_days,
    clean,
    cost_days,
    costs,
    reading,
    shares,
)

# One letter a day, the last completed day at the right.
KINDS: dict[str, dict[str, Any]] = {
    "s": {},
    "p": {"alert_firing": True},
    "b": {"endpoints": shares(1, 1, 1, 1, 0.994)},
    "x": {"endpoints": shares(1, 1, 1, 1, 0.994), "alert_firing": True},
    "u": {"coverage": 0.94},
    "v": {"coverage": 0.94, "alert_firing": True},
}


def strip(letters: str) -> tuple[ApiDay, ...]:
    """The days that `letters` draw; a dot is a day of which there is no row."""
    days = zip(reversed(letters), (LAST_DAY - timedelta(days=back) for back in range(99)), strict=False)
    return tuple(api_day(day, **KINDS[letter]) for letter, day in days if letter != ".")


def api(evidence: Evidence) -> Reading:
    return reading(GateKey.INTELLIGENCE_API_DAYS, evidence)


def cost(days: Iterable[CostDay], **changes: object) -> Reading:
    return reading(GateKey.DAILY_COST, clean(costs=costs(days=tuple(days), **changes)))


@pytest.mark.parametrize(
    ("letters", "value", "standing"),
    [
        ("sssssss", 7, Standing.PASS),
        ("ssssssss", 8, Standing.PASS),
        ("bsssssss", 7, Standing.PASS),
        ("ssssss", 6, Standing.NO_DATA),
        ("ssspssss", 7, Standing.PASS),
        ("psspsspsps", 6, Standing.NO_DATA),
        ("ppp", 0, Standing.NO_DATA),
        ("bssssss", 6, Standing.FAIL),
        ("ssssssssb", 0, Standing.FAIL),
        ("sssssssbp", 0, Standing.FAIL),
        ("sssssssx", 0, Standing.FAIL),
        ("sssssssu", 0, Standing.NO_DATA),
        ("sssssssv", 0, Standing.NO_DATA),
        ("sssssss.", 0, Standing.NO_DATA),
        ("sss.sss", 3, Standing.NO_DATA),
        ("bbbb.sss", 3, Standing.NO_DATA),
        ("", 0, Standing.NO_DATA),
    ],
)
def test_streak_of_served_days(letters: str, value: int, standing: Standing) -> None:
    gate = api(clean(api_days=strip(letters)))

    assert (gate.value, gate.standing) == (value, standing)
    assert gate.within is gate.proven is (value >= 7)


@pytest.mark.parametrize(
    ("changes", "standing"),
    [
        ({"endpoints": shares(*[0.995] * 5), "coverage": 0.95}, DayStanding.SERVED),
        ({"endpoints": shares(1, 1, 1, 1, 0.9949)}, DayStanding.BAD),
        ({"endpoints": shares(0.9949), "coverage": None}, DayStanding.BAD),
        ({"endpoints": shares(1, 1, 1, 1)}, DayStanding.UNOBSERVED),
        ({"endpoints": shares(1, 1, 1, 1, None)}, DayStanding.UNOBSERVED),
        ({"endpoints": shares(1, 1, 1, 1, 1.5)}, DayStanding.UNOBSERVED),
        ({"endpoints": ()}, DayStanding.UNOBSERVED),
        ({"endpoints": tuple(EndpointDay(ENDPOINTS[0], 1.0) for _ in ENDPOINTS)}, DayStanding.UNOBSERVED),
        ({"endpoints": (*shares(1, 1, 1, 1, 1), EndpointDay("/other", 0.0))}, DayStanding.SERVED),
        ({"endpoints": (*shares(1, 1, 1, 1, 1), EndpointDay(ENDPOINTS[0], 0.5))}, DayStanding.BAD),
        ({"coverage": None}, DayStanding.UNOBSERVED),
        ({"coverage": 0.9499}, DayStanding.UNOBSERVED),
        ({"alert_firing": True}, DayStanding.PAUSED),
        ({"alert_firing": None}, DayStanding.UNOBSERVED),
        ({"alert_firing": None, "endpoints": shares(0.0)}, DayStanding.BAD),
        ({"alert_firing": True, "endpoints": shares(0.0)}, DayStanding.BAD),
        ({"alert_firing": True, "coverage": 0.0}, DayStanding.UNOBSERVED),
    ],
)
def test_standing_of_a_day(changes: dict[str, object], standing: DayStanding) -> None:
    assert stand_of_day(api_day(LAST_DAY, **changes), ApiDaysCriterion()) is standing


def test_day_told_twice_is_the_worse_of_the_two() -> None:
    good, bad = api_day(LAST_DAY), api_day(LAST_DAY, endpoints=shares(0.0), coverage=0.5)

    gates = [api(clean(api_days=(*api_days()[1:], *pair))) for pair in ((good, bad), (bad, good))]

    assert gates[0] == gates[1]
    assert gates[0].standing is Standing.FAIL
    assert gates[0].coverage == pytest.approx(6.5 / 7)


@pytest.mark.parametrize(
    ("judged_at", "value"),
    [
        (datetime(2025, 11, 18, 23, 59, 59, tzinfo=UTC), 6),
        (datetime(2025, 11, 19, tzinfo=UTC), 7),
        (datetime(2025, 11, 19, 23, 59, 59, tzinfo=UTC), 7),
        (datetime(2025, 11, 20, tzinfo=UTC), 0),
    ],
)
def test_streak_ends_at_the_last_completed_utc_day(judged_at: datetime, value: int) -> None:
    window = Window(judged_at - timedelta(days=7), judged_at)

    assert api(clean(judged_at=judged_at, window=window)).value == value


def test_api_days_say_how_many_are_missing_and_the_earliest_date() -> None:
    gate = api(clean(api_days=strip("usps")))

    assert gate.missing == ("5 more days needed: 2025-11-24 00:00 UTC at the earliest.",)
    assert gate.explanation == (
        "2 consecutive days served, 2025-11-16 to 2025-11-18; 7 needed. 1 day with a firing alert not"
        f" counted. The day before that, 2025-11-15, was unobserved. {gate.missing[0]}"
    )
    assert gate.rows == (
        "api-day:2025-11-15:unobserved",
        "api-day:2025-11-16:served",
        "api-day:2025-11-17:paused",
        "api-day:2025-11-18:served",
    )
    assert gate.samples == 4
    assert gate.coverage == pytest.approx((0.94 + 3) / 7)


def test_alert_that_is_firing_today_puts_the_earliest_date_off_by_a_day() -> None:
    today = api_day(JUDGED_AT.date(), completed=False, alert_firing=True)

    gate = api(clean(api_days=(today, *api_days(6))))

    assert gate.missing == ("1 more day needed: 2025-11-21 00:00 UTC at the earliest.",)


@pytest.mark.parametrize("ahead", [1, 2])
def test_day_that_is_not_over_does_not_count_even_if_it_is_marked_completed(ahead: int) -> None:
    early = api_day(LAST_DAY + timedelta(days=ahead))

    gate = api(clean(api_days=(early, *api_days(6))))

    assert (gate.value, gate.samples, gate.standing) == (6, 6, Standing.NO_DATA)


def test_api_days_without_any_served_day_say_so() -> None:
    gate = api(clean(api_days=strip("b")))

    assert gate.explanation.startswith("No served day counts up to now; 7 consecutive days needed.")
    assert "The last completed day, 2025-11-18, was bad." in gate.explanation


def test_rows_of_the_days_are_kept() -> None:
    days = tuple(replace(one, row=f"daily:{one.day}") for one in api_days(9))

    assert "daily:2025-11-10" in api(clean(api_days=days)).rows


def test_streak_over_nothing_is_broken_by_the_unobserved_last_day() -> None:
    streak = find_streak({}, LAST_DAY)

    assert (streak.served, streak.paused) == ((), ())
    assert (streak.broken_on, streak.broken_by) == (LAST_DAY, DayStanding.UNOBSERVED)


@pytest.mark.parametrize(
    ("total", "standing"),
    [
        ("10.00", Standing.PASS),
        ("0", Standing.PASS),
        ("10.0000001", Standing.FAIL),
        ("1E+30", Standing.FAIL),
        ("1E+999", Standing.FAIL),
        (None, Standing.ON_TRACK),
        ("-1", Standing.ON_TRACK),
    ],
)
def test_daily_cost_standing(total: str | None, standing: Standing) -> None:
    assert cost(cost_days(d14=total)).standing is standing


def test_daily_cost_names_the_dearest_day_and_the_run_rate() -> None:
    days = tuple(replace(day, all_estimated=day.day.day == 15) for day in cost_days(d14="9.001"))

    gate = cost(days, run_rate=Decimal("12"))

    assert gate.explanation == (
        "The dearest day was 2025-11-14 with $9.01, the limit is $10.00; today's run-rate is $12.00 a day."
        " Only estimated: 2025-11-15."
    )
    assert (gate.value, gate.samples, gate.coverage, gate.standing) == (9.001, 7, 1.0, Standing.PASS)
    assert gate.rows[2] == "cost-day:2025-11-14"


def test_daily_cost_says_which_days_are_unknown() -> None:
    gate = cost(cost_days(d13=None, d15=None), run_rate=None)

    assert gate.missing == ("No usable cost is recorded for 2025-11-13, 2025-11-15.",)
    assert "today's run-rate is not known." in gate.explanation
    assert (gate.samples, gate.coverage) == (5, 5 / 7)


@pytest.mark.parametrize(
    ("run_rate", "standing"),
    [("7", Standing.ON_TRACK), ("10.01", Standing.FAIL), (None, Standing.NO_DATA), ("NaN", Standing.NO_DATA)],
)
def test_run_rate_stands_in_while_no_day_is_completed(run_rate: str | None, standing: Standing) -> None:
    gate = cost((), run_rate=run_rate and Decimal(run_rate))

    assert gate.standing is standing
    assert gate.value == (None if standing is Standing.NO_DATA else float(run_rate or ""))


def test_cost_before_any_day_of_the_window_is_completed_is_not_proven() -> None:
    start = datetime(2025, 11, 11, 16, tzinfo=UTC)
    evidence = clean(judged_at=start + timedelta(hours=1), window=Window(start, start + timedelta(hours=1)))

    gate = reading(GateKey.DAILY_COST, evidence)

    assert gate.standing is Standing.ON_TRACK
    assert gate.missing[-1] == "No day of the window is completed yet."
    assert (gate.coverage, gate.samples) == (0.0, 0)


def test_every_utc_day_that_the_window_touches_needs_a_cost() -> None:
    start = datetime(2025, 11, 11, 16, tzinfo=UTC)
    window = Window(start, start + timedelta(days=7))

    assert window.days() == tuple(date(2025, 11, day) for day in range(11, 19))
    assert Window(window.end, window.start).days() == ()


def test_cost_told_twice_is_the_dearer_and_unknown_if_one_is_unusable() -> None:
    days = cost_days()

    dearer = cost((*days, replace(days[0], total=Decimal("10.5"))))
    unusable = cost((*days, replace(days[0], total=None)))

    assert dearer.standing is Standing.FAIL
    assert unusable.missing == ("No usable cost is recorded for 2025-11-18.",)
