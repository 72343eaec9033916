"""Burn rates over pairs of windows, against Sloth's, Pyrra's, Kuadrant's and slo-generator's tables."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.burn_rate import (
    BURN_WINDOWS,
    MONTH_PAIRS,
    WEEK_PAIRS,
    BurnPair,
    pair_burn,
    pairs_for,
    worst_burn,
)
from monitoring.domain.slo import burn_rate, error_budget
from monitoring.domain.slo_reading import LEAST_SAMPLES, Stretch
from tests.monitoring.domain.material import VECTORS

pytestmark = pytest.mark.skipif(not VECTORS.is_dir(), reason=f"the vectors are not at {VECTORS}")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
WEEK = timedelta(days=7)


def table(*path):
    if not VECTORS.is_dir():
        return []
    found = json.loads((VECTORS / "slo_burn_rate_vectors.json").read_text())
    for name in path:
        found = found[name]
    return found


def length(text):
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})


@pytest.mark.parametrize("row", table("burn_rate_windows", "sloth_windows"))
def test_factors_agree_with_sloth(row):
    pair = BurnPair(length(row["short"]), length(row["long"]), row["error_budget_percent"] / 100, page=True)

    assert pair.factor(length(row["period"])) == pytest.approx(row["factor"], rel=1e-12)


@pytest.mark.parametrize("row", table("burn_rate_windows", "sloth_windows"))
def test_our_pairs_are_sloth_s(row):
    if row["file"].endswith("custom-30d.yaml"):
        pytest.skip("an example of custom windows, which we do not offer")
    ours = {(pair.short, pair.long, pair.page): pair for pair in pairs_for(length(row["period"]))}

    pair = ours[length(row["short"]), length(row["long"]), row["severity"] == "page"]

    assert pair.factor(length(row["period"])) == pytest.approx(row["factor_asserted_upstream"], rel=1e-12)


def test_factors_of_a_week_are_those_asked_for():
    factors = [round(pair.factor(WEEK), 10) for pair in WEEK_PAIRS]

    assert factors == [13.44, 3.5, 1.4, 0.98]


@pytest.mark.parametrize("row", table("burn_rate_windows", "pyrra_windows_28d"))
def test_pyrra_s_month_is_ours_but_rounded(row):
    """Pyrra rounds its factors to whole numbers and takes four days where Google takes three; we do not."""
    if row["long"] == "96h":
        pytest.skip("Pyrra's slowest window is four days; ours is three, as in the workbook and in Sloth")
    pair = next(pair for pair in MONTH_PAIRS if pair.long == length(row["long"]))

    assert pair.short == length(row["short"])
    assert pair.factor(timedelta(days=28)) == pytest.approx(row["factor"], rel=0.41)


def test_oneuptime_s_thresholds_are_the_month_s_shares_scaled():
    """Its week (3.36, 1.4) spends 2 % in an hour; ours waits for 8 %: a week's budget is a quarter as long,
    and the same outage would page on a quarter of what a month asks for."""
    rows = json.loads((VECTORS / "oneuptime_uptime_and_budget.json").read_text())
    for period, expected in rows["cases"]["seeded_burn_thresholds"].items():
        if period != "meaning":
            found = [pair.factor(length(period)) for pair in MONTH_PAIRS[:2]]
            assert found == pytest.approx(expected)


@pytest.mark.parametrize("row", table("burn_rate_windows", "worked_numbers"))
def test_worked_budgets_agree(row):
    minutes = row.get("window_minutes") or row["window_days"] * 1440
    budget = error_budget(bad_s=0, total_s=minutes * 60, objective=row["target"])

    assert budget.budget_s == pytest.approx(row.get("budget_seconds", 302.4))


def counter(text):
    """promtool's expanding notation: a+bxn is a, a+b, … (n+1 samples)."""
    samples = []
    for part in text.split():
        start, rest = part.split("+")
        step, times = rest.split("x")
        samples += [int(start) + int(step) * n for n in range(int(times) + 1)]
    return samples


def rates_at(minute, case):
    errors = counter(case["series"]["errors_500_total"])
    others = counter(case["series"]["all_total"])
    rates = {}
    for window in BURN_WINDOWS:
        start = max(0, minute - int(window / timedelta(minutes=1)))
        bad = errors[minute] - errors[start]
        total = bad + others[minute] - others[start]
        rates[window] = burn_rate(bad=bad, total=total, objective=case["objective"])
    return rates


def test_kuadrant_s_series_alert_as_promtool_says():
    case = table("burn_rate_windows", "promtool_case_kuadrant_availability")
    period = timedelta(days=case["period_days"])

    for minute, expected in ((30, set()), (60, {True, False})):
        rates = rates_at(minute, case)
        burns = [pair_burn(pair, rates, period) for pair in MONTH_PAIRS]
        assert {burn.pair.page for burn in burns if burn.excess > 1} == expected


def test_no_pair_is_judged_before_its_long_window_is_full():
    """Kuadrant's rules open a ticket on "one day" of which an hour exists; ours wait for the day."""
    case = table("burn_rate_windows", "promtool_case_kuadrant_availability")
    rates, period = rates_at(60, case), timedelta(days=28)

    assert worst_burn(rates, period=period, history=None) is None
    assert worst_burn(rates, period=period, history=timedelta(minutes=59)) is None
    assert worst_burn(rates, period=period, history=timedelta(hours=1)).pair is MONTH_PAIRS[0]
    # With three days of data the slowest pair is the furthest on.
    assert not worst_burn(rates, period=period, history=timedelta(days=3)).pair.page


@pytest.mark.parametrize("row", table("slo_generator_reports", "cases"), ids=lambda row: row["name"])
def test_reports_agree_with_slo_generator(row):
    given_, expected = row["input"], row["expect"]
    counts = [given_.get("good_events"), given_.get("bad_events")]
    if any(isinstance(count, dict) for count in counts):
        pytest.skip("counts come from our own SQL as integers: there is no answer of another type")
    goal = table("slo_generator_reports", "config", "goal")
    if given_.get("sli") is not None:
        stretch = Stretch(3600, 3600, 3600 * (1 - given_["sli"]))
    else:
        # Below zero and null are upstream's "no such events".
        good, bad = (max(count or 0, 0) for count in counts)
        enough = good + bad >= LEAST_SAMPLES
        total = good + bad if enough else 0
        stretch = Stretch.of_counts(length_s=3600, observed_s=3600, bad=bad, total=total)

    rate = stretch.burn(goal)

    assert (rate is not None) is expected["valid"]
    if expected["valid"]:
        assert 1 - stretch.bad_s / stretch.observed_s == pytest.approx(expected["sli"])
    if "alert" in expected:
        assert (rate > 1) is expected["alert"]


rates_strategy = st.fixed_dictionaries(
    {window: st.one_of(st.none(), st.floats(0, 2000)) for window in BURN_WINDOWS}
)


@given(rates=rates_strategy, days=st.sampled_from([7, 28, 30]), hours=st.integers(0, 100))
def test_worst_burn_is_borne_out_by_both_of_its_windows(rates, days, hours):
    burn = worst_burn(rates, period=timedelta(days=days), history=timedelta(hours=hours))

    if burn is None:
        judged = [pair for pair in pairs_for(timedelta(days=days)) if pair.long <= timedelta(hours=hours)]
        assert all(rates[pair.short] is None or rates[pair.long] is None for pair in judged)
    else:
        assert burn.pair.long <= timedelta(hours=hours)
        assert rates[burn.pair.short] >= burn.rate
        assert rates[burn.pair.long] >= burn.rate


@given(rates=rates_strategy, more=st.floats(0, 100))
def test_worst_burn_never_falls_when_more_is_bad(rates, more):
    raised = {window: None if rate is None else rate + more for window, rate in rates.items()}
    before, after = (worst_burn(r, period=WEEK, history=timedelta(days=30)) for r in (rates, raised))

    assert (before is None) == (after is None)
    if before is not None:
        assert after.excess >= before.excess
