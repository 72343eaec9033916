"""Error budgets and burn rates, against OneUptime's own tables."""

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.slo import (
    EVALUATION_S,
    SloPeriod,
    SloStanding,
    burn_rate,
    error_budget,
    error_rate,
    silence_allowed_s,
    standing_after,
)
from tests.monitoring.domain.material import BEGIN, VECTORS, vector_rows

FILE = "oneuptime_uptime_and_budget.json"


def bad_seconds(row):
    """A row names the bad time, or the SLI it follows from; the bad time wins where it names both."""
    if "bad_seconds" in row:
        return row["bad_seconds"]
    return row["total_seconds"] * (100 - row["sli_pct"]) / 100


@pytest.mark.parametrize("row", vector_rows(FILE, "error_budget"))
def test_error_budget_agrees_with_oneuptime(row):
    call = {
        "bad_s": bad_seconds(row),
        "total_s": row["total_seconds"],
        "objective": row["target_pct"] / 100,
    }

    if row.get("expect_error"):
        with pytest.raises(ValueError, match="an objective of"):
            error_budget(**call)
    elif row["total_seconds"] == 0:
        # Row 5 expects 100 % left of nothing and asks its caller to see "total=0 is no data".
        assert row["caller_must"]
        assert error_budget(**call) is None
    else:
        budget = error_budget(**call)
        assert budget is not None
        found = {
            "budget": budget.budget_s,
            "consumed": budget.consumed_s,
            "remaining": budget.remaining_s,
            "remaining_pct": budget.remaining_pct,
        }
        for name, expected in row["expect"].items():
            assert found[name] == pytest.approx(expected, abs=1e-9), name


@pytest.mark.parametrize("row", vector_rows(FILE, "burn_rate"))
def test_burn_rate_agrees_with_oneuptime(row):
    call = {"bad": row["bad"], "total": row["total"], "objective": row["target_pct"] / 100}

    if row.get("expect_error"):
        with pytest.raises(ValueError, match="an objective of"):
            burn_rate(**call)
    elif row["total"] == 0:
        # Row 4 expects a burn of 0 and asks its caller to see no data.
        assert row["caller_must"]
        assert burn_rate(**call) is None
    else:
        assert burn_rate(**call) == pytest.approx(row["expect"], abs=1e-9)


@pytest.mark.skipif(not VECTORS.is_dir(), reason=f"the vectors are not at {VECTORS}")
def test_budgets_of_usual_windows_agree_with_oneuptime():
    table = json.loads((VECTORS / FILE).read_text())["cases"]["budget_duration_table"]

    for objective, row in table["rows"].items():
        for column, expected in zip(table["columns"], row, strict=True):
            total_s = int(column.removesuffix("d")) * 86_400
            budget = error_budget(bad_s=0, total_s=total_s, objective=float(objective) / 100)
            assert budget is not None
            assert str(timedelta(seconds=round(budget.budget_s))) == expected


def test_budget_spent_to_the_second_leaves_exactly_nothing():
    budget = error_budget(bad_s=864, total_s=86_400, objective=0.99)

    assert budget is not None
    assert budget.remaining_s == 0


@pytest.mark.parametrize(("bad", "total", "expected"), [(0, 10, 0), (3, 12, 0.25), (4, 4, 1), (0, 0, None)])
def test_error_rate_of_nothing_is_no_data(bad, total, expected):
    assert error_rate(bad=bad, total=total) == expected


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: error_rate(bad=5, total=4), "5 bad of 4"),
        (lambda: error_rate(bad=-1, total=4), "-1 bad of 4"),
        (lambda: burn_rate(bad=0, total=-1, objective=0.9), "a total of -1"),
        (lambda: error_budget(bad_s=0, total_s=-1, objective=0.9), "a total of -1"),
    ],
)
def test_impossible_amounts_are_refused(call, complaint):
    with pytest.raises(ValueError, match=complaint):
        call()


@pytest.mark.parametrize("row", vector_rows(FILE, "status_hysteresis_threshold20"))
def test_standing_agrees_with_oneuptime(row):
    # Upstream's paused and misconfigured are our NO_DATA: nothing was known before.
    before = (
        SloStanding(row["from"]) if row["from"] in {s.value for s in SloStanding} else SloStanding.NO_DATA
    )

    assert standing_after(before, row["remaining_pct"]) == row["expect"]


def test_standing_without_a_budget_is_no_data():
    assert standing_after(SloStanding.HEALTHY, None) is SloStanding.NO_DATA


@given(before=st.sampled_from(SloStanding), left=st.floats(-500, 100))
def test_standing_is_stable_and_never_better_than_the_budget(before, left):
    after = standing_after(before, left)

    assert standing_after(after, left) is after
    assert (left <= 0) <= (after is SloStanding.EXHAUSTED)
    assert (after is SloStanding.HEALTHY) <= (left > 20)


@pytest.mark.parametrize("row", vector_rows(FILE, "calendar_month"))
def test_calendar_month_agrees_with_oneuptime(row):
    if row["tz"] != "UTC":
        pytest.skip("the portal's days are UTC days; months of other zones are tested in test_windows.py")
    window = SloPeriod.CALENDAR_MONTH.window(datetime.fromisoformat(row["at"].replace("Z", "+00:00")))

    assert window.seconds == row["seconds"]
    if row["start"]:
        assert window.start == datetime.fromisoformat(row["start"].replace("Z", "+00:00"))


@pytest.mark.parametrize(("period", "days"), [("7d", 7), ("28d", 28), ("30d", 30)])
def test_rolling_periods_end_now(period, days):
    window = SloPeriod(period).window(BEGIN)

    assert (window.end, window.duration) == (BEGIN, timedelta(days=days))
    assert SloPeriod(period).label == f"{days} days, rolling"


def test_calendar_month_is_named():
    assert SloPeriod.CALENDAR_MONTH.label == "calendar month"


@pytest.mark.parametrize(
    ("total_s", "bad_s", "objective", "allowed"),
    [
        (604_800, 0, 0.999, 302.4),  # half of 604.8 s
        (604_800, 504.8, 0.999, 75),  # 100 s left: less than the hold
        (604_800, 700, 0.999, 75),  # overspent
        (604_800, 0, 0.99, 3024),
    ],
)
def test_silence_allowed_shrinks_with_the_budget(total_s, bad_s, objective, allowed):
    budget = error_budget(bad_s=bad_s, total_s=total_s, objective=objective)

    assert silence_allowed_s(remaining_s=budget.remaining_s, hold_s=75) == pytest.approx(allowed)


@given(remaining_s=st.floats(-1e6, 1e7), hold_s=st.floats(1, 3600))
def test_silence_is_told_of_before_the_budget_can_be_spent_unseen(remaining_s, hold_s):
    allowed = silence_allowed_s(remaining_s=remaining_s, hold_s=hold_s)

    assert allowed >= hold_s
    if hold_s <= remaining_s - EVALUATION_S:
        assert allowed + EVALUATION_S <= remaining_s + 1e-6
