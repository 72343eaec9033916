"""Smoothing of all settings side by side, against the plain formulas one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intelligence.domain.smoothing import (
    HOLT_ALPHAS,
    HOLT_BETAS,
    HOLT_PHIS,
    RECENT,
    SES_ALPHAS,
    Numbers,
    _Choice,
    _run,
    combined,
    smoothed,
)

HORIZON = 6


def walk(count: int, seed: int = 0) -> Numbers:
    random = np.random.default_rng(seed)
    series: Numbers = 50 + np.cumsum(random.normal(0.2, 1, count))
    return series


def holt(series: Numbers, alpha: float, beta: float, phi: float, horizon: int) -> list[float]:
    """Damped Holt in its textbook form."""
    level, slope = float(series[0]), 0.0
    for value in series[1:]:
        before = level
        level = alpha * float(value) + (1 - alpha) * (level + phi * slope)
        slope = beta * (level - before) + (1 - beta) * phi * slope
    return [level + slope * sum(phi**j for j in range(1, k + 1)) for k in range(1, horizon + 1)]


def theta(series: Numbers, alpha: float, horizon: int) -> list[float]:
    """Theta in its original form: the fitted line and SES of the line with doubled curvature, averaged."""
    times = np.arange(len(series))
    slope, start = np.polyfit(times, series, 1)
    curved = 2 * series - (start + slope * times)
    level = float(curved[0])
    for value in curved[1:]:
        level += alpha * (float(value) - level)
    return [(level + start + slope * (len(series) - 1 + k)) / 2 for k in range(1, horizon + 1)]


def ways_of(
    series: Numbers, horizon: int = HORIZON, first_origin: int = 5
) -> dict[str, tuple[Numbers, tuple[float, ...]]]:
    levels, slopes = _run(series[:, None])
    found = smoothed(_Choice(series, horizon, first_origin), levels[:, 0], slopes[:, 0])
    return {
        name: (path.at, path.parameters) for name, path in zip(("ses", "holt", "theta"), found, strict=True)
    }


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(20, RECENT))
def test_paths_are_those_of_the_textbook(seed: int, count: int) -> None:
    series = walk(count, seed)

    ways = ways_of(series)

    at, (alpha,) = ways["ses"]
    assert at[-1] == pytest.approx(holt(series, alpha, 0.0, 0.0, HORIZON))
    at, (alpha, beta, phi) = ways["holt"]
    assert at[-1] == pytest.approx(holt(series, alpha, beta, phi, HORIZON))
    at, (alpha,) = ways["theta"]
    # SES of the curved line begins at its own first point, which the drift form leaves at half the line's misfit.
    misfit = (float(series[0]) - np.polyfit(np.arange(count), series, 1)[1]) * (1 - alpha) ** (count - 1)
    assert at[-1] == pytest.approx(theta(series, alpha, HORIZON), abs=abs(misfit) + 1e-6)


@pytest.mark.parametrize("origin", [10, 40])
def test_paths_from_an_earlier_origin_know_nothing_later(origin: int) -> None:
    series = walk(60)

    ways = ways_of(series)

    at, (alpha,) = ways["ses"]
    assert at[origin] == pytest.approx(holt(series[: origin + 1], alpha, 0.0, 0.0, HORIZON))
    at, (alpha, beta, phi) = ways["holt"]
    assert at[origin] == pytest.approx(holt(series[: origin + 1], alpha, beta, phi, HORIZON))


def drifted(series: Numbers, alpha: float, horizon: int) -> list[float]:
    """Theta as SES with half the slope as drift, from the end of `series`."""
    [level] = holt(series, alpha, 0.0, 0.0, 1)
    slope = float(np.polyfit(np.arange(len(series)), series, 1)[0]) if len(series) > 1 else 0.0
    reach = (1 - (1 - alpha) ** len(series)) / alpha
    return [level + slope / 2 * (k - 1 + reach) for k in range(1, horizon + 1)]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("way", ["ses", "theta"])
def test_parameters_are_those_of_least_error_at_the_three_horizons(way: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    series, first = 0.2 * walk(50, seed) + random.normal(0, 1, 50), 15

    _, (chosen,) = ways_of(series, first_origin=first)[way]

    def error(alpha: float) -> float:
        expected = [
            holt(series[: t + 1], alpha, 0.0, 0.0, HORIZON)
            if way == "ses"
            else drifted(series[: t + 1], alpha, HORIZON)
            for t in range(len(series))
        ]
        return sum(
            float(np.mean([abs(expected[t][k - 1] - series[t + k]) for t in range(first, len(series) - k)]))
            for k in (1, 3, 6)
        )

    assert chosen == min(SES_ALPHAS, key=error)


def test_all_settings_of_holt_are_tried() -> None:
    levels, _ = _run(walk(10)[:, None])

    assert levels.shape == (10, 1, len(SES_ALPHAS) + len(HOLT_ALPHAS) * len(HOLT_BETAS) * len(HOLT_PHIS))


def test_versions_do_not_touch_one_another() -> None:
    one, other = walk(50, 1), walk(50, 2)

    together = combined([one, other], HORIZON, 10)

    assert together[0] == pytest.approx(combined([one], HORIZON, 10)[0])
    assert together[1] == pytest.approx(combined([other], HORIZON, 10)[0])


def test_no_forecast_knows_what_comes_later() -> None:
    """Paths from an origin are the same whatever follows, where nothing chooses other parameters."""
    start = np.linspace(10, 20, 60)
    one, other = np.r_[start, 25.0], np.r_[start, -500.0]

    [known], [changed] = combined([one], 1, 60), combined([other], 1, 60)

    assert known[:60] == pytest.approx(changed[:60])
