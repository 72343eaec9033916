"""Forecasts: methods, intervals, seasons, short histories, missing days, bounds."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intelligence.domain.forecasting import (
    AT_LEAST_ZERO,
    PERCENT,
    Bounds,
    Method,
    UnableToForecast,
    forecast,
    forecast_churn,
    half_widths,
    past_errors,
)

WEEK = [10.0, 12.0, 11.0, 13.0, 15.0, 4.0, 3.0]


def weekly(days: int, noise: float = 0.3, seed: int = 0, growth: float = 0.0) -> list[float]:
    random = np.random.default_rng(seed)
    return [WEEK[day % 7] + growth * day + float(random.normal(0, noise)) for day in range(days)]


@pytest.mark.parametrize("count", range(7))
def test_under_seven_points_there_is_no_forecast_and_it_says_so(count: int) -> None:
    found = forecast([1.0] * count, 30)

    assert found.method is Method.NONE
    assert (found.mean, found.low, found.high, found.total) == ((), (), (), None)
    assert found.data_points == count
    assert found.backtest_error is None
    assert f"No forecast: {count} points of data, and at least 7" in found.explanation


@pytest.mark.parametrize("count", [7, 13, 14, 27])
def test_under_28_points_the_last_week_is_repeated_and_it_says_so(count: int) -> None:
    values = weekly(count)

    found = forecast(values, 10)

    assert found.method is Method.SEASONAL_NAIVE
    assert list(found.mean) == [*values[-7:], *values[-7:-4]]
    assert f"Only {count} points of data, fewer than 28" in found.explanation
    assert "seasonal naive" in found.explanation


def test_week_is_found_and_followed() -> None:
    found = forecast(weekly(84), 14)

    assert found.method is Method.COMBINED_SEASONAL
    assert found.mean == pytest.approx(WEEK * 2, abs=0.8)
    assert "season of 7 points" in found.explanation
    assert found.backtest_error == pytest.approx(0.3, abs=0.2)
    assert found.data_points == 84


def test_without_a_week_none_is_claimed() -> None:
    found = forecast(np.random.default_rng(1).normal(50, 1, 100).tolist(), 7)

    assert found.method is Method.COMBINED
    assert "no season helped" in found.explanation
    assert found.mean == pytest.approx([50.0] * 7, abs=1.0)


def test_trend_is_carried_on_but_damped() -> None:
    found = forecast([float(day) for day in range(100)], 10)

    assert 99.0 < found.mean[0] < 101.0
    assert 101.0 < found.mean[-1] < 110.0


def test_constant_series_is_certain() -> None:
    found = forecast([5.0] * 60, 14)

    assert found.mean == pytest.approx([5.0] * 14)
    assert found.low == pytest.approx(found.high)
    assert found.backtest_error == pytest.approx(0.0, abs=1e-9)


def test_total_is_the_sum_with_an_interval_of_its_own() -> None:
    found = forecast(weekly(180, noise=1.0), 30)

    assert found.total is not None
    assert found.total.mean == pytest.approx(sum(found.mean))
    assert found.total.low < found.total.mean < found.total.high
    assert found.total.high - found.total.low < sum(found.high) - sum(found.low)


def test_total_of_a_short_past_takes_the_widths_of_the_steps() -> None:
    found = forecast(weekly(30), 28)

    assert found.total is not None
    assert found.total.high - found.total.low == pytest.approx(sum(found.high) - sum(found.low))


def test_horizon_beyond_the_past_still_has_an_interval() -> None:
    found = forecast(weekly(28), 60)

    widths = [high - low for high, low in zip(found.high, found.low, strict=True)]
    assert len(widths) == 60
    assert all(later >= earlier - 1e-9 for earlier, later in pairwise(widths))
    assert widths[-1] > widths[0]


@pytest.mark.parametrize("count", [20, 90])
def test_missing_days_inside_are_filled_and_told(count: int) -> None:
    values: list[float | None] = [*weekly(count)]
    values[-5] = None

    found = forecast(values, 7)

    assert found.data_points == count - 1
    assert "1 without data in between were filled in" in found.explanation


def test_missing_days_at_the_start_are_left_away() -> None:
    values = weekly(84)

    assert forecast([None, None, *values], 7) == forecast(values, 7)


def test_missing_days_at_the_end_keep_the_weekdays() -> None:
    values = weekly(84)

    found = forecast([*values, None, None, None], 7)

    assert found.mean == forecast(values, 10).mean[3:]
    assert found.mean == pytest.approx((WEEK * 2)[3:10], abs=0.8)
    assert "The last 3 before the forecast have no data." in found.explanation
    assert len(found.low) == len(found.high) == 7


def test_too_many_missing_days_make_no_forecast() -> None:
    values = [value if place % 3 == 0 else None for place, value in enumerate(weekly(90))]

    found = forecast(values, 7)

    assert found.method is Method.NONE
    assert "more than a quarter" in found.explanation


def test_late_forecast_beyond_every_past_error_has_no_backtest() -> None:
    found = forecast([*weekly(30), *[None] * 40], 5)

    assert found.backtest_error is None
    assert len(found.mean) == 5


@pytest.mark.parametrize(
    ("values", "horizon", "seasons", "words"),
    [
        ([1.0, float("nan")], 5, (7,), "nan"),
        ([1.0, float("inf")], 5, (7,), "inf"),
        ([1.0, 1e101], 5, (7,), "1e\\+101"),
        ([1.0] * 30, 0, (7,), "horizon of 0"),
        ([1.0] * 30, 5, (7, 0), "must be 1 or more"),
    ],
)
def test_impossible_input_is_refused(
    values: list[float], horizon: int, seasons: tuple[int, ...], words: str
) -> None:
    with pytest.raises(UnableToForecast, match=words):
        forecast(values, horizon, seasons=seasons)


def test_other_seasons_can_be_asked_for() -> None:
    hours = [10 * np.sin(2 * np.pi * hour / 24) + 50 for hour in range(24 * 12)]

    found = forecast(hours, 24, seasons=(24, 168))

    assert "season of 24 points" in found.explanation
    assert found.mean == pytest.approx(hours[:24], abs=1.5)


def test_no_season_at_all_may_be_asked_for() -> None:
    assert forecast(weekly(60), 7, seasons=()).method is Method.COMBINED
    assert forecast(weekly(20), 3, seasons=()).mean == pytest.approx([weekly(20)[-1]] * 3)


@pytest.mark.parametrize("end", [0.0, 100.0])
def test_churn_stays_between_0_and_100(end: float) -> None:
    rates = [float(np.clip(abs(end - 3 * (60 - day)), 0, 100)) for day in range(61)]

    found = forecast_churn(rates, 30)

    assert all(
        0 <= low <= mean <= high <= 100
        for low, mean, high in zip(found.low, found.mean, found.high, strict=True)
    )


def test_total_stays_within_the_bounds() -> None:
    found = forecast([5.0, 0.0, 9.0, 0.0, 1.0, 0.0, 20.0] * 6, 5, bounds=AT_LEAST_ZERO)

    assert found.total is not None
    assert found.total.low >= 0
    assert min(found.low) >= 0


def test_interval_covers_what_comes() -> None:
    """95 % intervals of many noisy series hold about 95 % of what came."""
    hits = total = 0
    for seed in range(40):
        values = weekly(120, noise=1.0, seed=seed, growth=0.02)
        found = forecast(values[:106], 14)
        hits += sum(lo <= v <= hi for lo, v, hi in zip(found.low, values[106:], found.high, strict=True))
        total += 14

    assert 0.90 < hits / total < 0.99


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.one_of(st.floats(-1e6, 1e6), st.floats(0, 1), st.none()), max_size=70),
    st.integers(1, 40),
    st.sampled_from([Bounds(), AT_LEAST_ZERO, PERCENT]),
)
def test_any_forecast_is_whole_and_in_order(values: list[float | None], horizon: int, bounds: Bounds) -> None:
    found = forecast(values, horizon, bounds=bounds)

    assert found.explanation
    if found.method is Method.NONE:
        assert found.mean == ()
        return
    assert len(found.mean) == len(found.low) == len(found.high) == horizon
    for low, mean, high in zip(found.low, found.mean, found.high, strict=True):
        assert bounds.low <= low <= mean <= high <= bounds.high
    assert found.total is not None
    assert found.total.low <= found.total.mean + 1e-6
    assert found.total.mean <= found.total.high + 1e-6


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.floats(-100, 100), min_size=5, max_size=5), min_size=1, max_size=30))
def test_widths_never_shrink(rows: list[list[float]]) -> None:
    widths = half_widths(np.array(rows))

    assert all(later >= earlier for earlier, later in pairwise(widths))


def test_past_errors_are_what_came_minus_what_was_expected() -> None:
    series = np.array([1.0, 2.0, 4.0, 8.0])
    held = np.repeat(series[:, None], 2, axis=1)

    errors = past_errors(held, series, 1)

    assert errors[0].tolist() == [2.0, 6.0]
    assert errors[1, 0] == 4.0
    assert np.isnan(errors[1, 1])
