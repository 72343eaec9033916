"""Exponential smoothing of one series with many parameter settings at once, forecasting from every origin.

All settings run through the series side by side as one numpy row, so that choosing parameters by their past
multi-step errors costs one pass. SES and damped Holt are Gardner and McKenzie (1985); theta is SES with half
the slope of the fitted line as drift, the form Hyndman and Billah (2003) proved equal to Assimakopoulos'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

SES_ALPHAS: Final = np.array([0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
HOLT_ALPHAS: Final = np.array([0.1, 0.3, 0.5, 0.7, 0.9, 1.0])
HOLT_BETAS: Final = np.array([0.02, 0.05, 0.1, 0.2, 0.4])
HOLT_PHIS: Final = np.array([0.8, 0.9, 0.95, 0.98])
RECENT: Final = 150
"""The newest origins that are asked which parameters and which season forecast best; theta's slope too."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Forecasts from every origin: `at[t, k - 1]` was expected k steps after point t, knowing 0 … t."""

    at: Numbers
    parameters: tuple[float, ...] = ()


def combined(versions: Sequence[Numbers], horizon: int, first_origin: int) -> tuple[Numbers, ...]:
    """For each version of a series, the mean of last value, SES, damped Holt and theta from every origin.

    The versions (one series freed from different seasons) have one length and run through side by side.
    """
    levels, slopes = _run(np.stack(versions, axis=1))
    found = []
    for place, series in enumerate(versions):
        choice = _Choice(series, horizon, first_origin)
        ways = smoothed(choice, levels[:, place], slopes[:, place])
        found.append(np.mean([series[:, None] + np.zeros(horizon), *(way.at for way in ways)], axis=0))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Choice:
    """Chooses parameters: those that erred least at horizons 1, h/2 and h over the newest origins."""

    series: Numbers
    horizon: int
    first_origin: int

    @property
    def steps(self) -> Numbers:
        return np.arange(1.0, self.horizon + 1)

    @property
    def asked(self) -> list[int]:
        return sorted({1, max(1, self.horizon // 2), self.horizon})

    def among(self, expected: list[Numbers]) -> int:
        """The column of least mean absolute error; `expected` holds origins × settings per horizon asked."""
        errors = np.zeros(expected[0].shape[1])
        for rows, k in zip(expected, self.asked, strict=True):
            end = len(self.series) - k
            start = max(self.first_origin, end - RECENT)
            if start < end:
                errors += np.abs(rows[start:end] - self.series[start + k :][: end - start, None]).mean(axis=0)
        return int(np.argmin(errors))


def smoothed(choice: _Choice, levels: Numbers, slopes: Numbers) -> tuple[Paths, Paths, Paths]:
    """SES, damped Holt and theta, in this order, each with the parameters that erred least."""
    steps, asked, ses = choice.steps, choice.asked, len(SES_ALPHAS)
    flat = levels[:, :ses]
    best = choice.among([flat] * len(asked))
    ses_paths = Paths(np.repeat(flat[:, best, None], choice.horizon, axis=1), (float(SES_ALPHAS[best]),))
    drift = _theta_drift(choice.series)
    reach = (1 - (1 - SES_ALPHAS[None, :]) ** np.arange(1, len(flat) + 1)[:, None]) / SES_ALPHAS[None, :]
    best = choice.among([flat + drift[:, None] * (k - 1 + reach) for k in asked])
    theta_at = flat[:, best, None] + drift[:, None] * (steps[None, :] - 1 + reach[:, best, None])
    theta_paths = Paths(theta_at, (float(SES_ALPHAS[best]),))
    level, slope = levels[:, ses:], slopes[:, ses:]
    alphas, betas, phis = (part[ses:] for part in _grid())
    # Damped trend: phi + phi² + … + phi^k slopes ahead, for each setting and step.
    ahead = np.cumsum(phis[:, None] ** steps[None, :], axis=1)
    best = choice.among([level + slope * ahead[:, k - 1] for k in asked])
    holt_at = level[:, best, None] + slope[:, best, None] * ahead[best][None, :]
    holt_paths = Paths(holt_at, (float(alphas[best]), float(betas[best]), float(phis[best])))
    return ses_paths, holt_paths, theta_paths


def _run(versions: Numbers) -> tuple[Numbers, Numbers]:
    """Levels and slopes after every point: points × versions × settings. SES is Holt without a slope."""
    alphas, betas, phis = _grid()
    gains = alphas * betas
    levels = np.empty((*versions.shape, len(alphas)))
    slopes = np.zeros_like(levels)
    levels[0] = versions[0][:, None]
    error = np.empty_like(levels[0])
    step = np.empty_like(error)
    # Written into place: for series of hundreds of points the making of new arrays would take most of the
    # time.
    for place in range(1, len(versions)):
        level, slope = levels[place], slopes[place]
        np.multiply(phis, slopes[place - 1], out=slope)
        np.add(levels[place - 1], slope, out=level)
        np.subtract(versions[place][:, None], level, out=error)
        np.multiply(alphas, error, out=step)
        np.add(level, step, out=level)
        np.multiply(gains, error, out=step)
        np.add(slope, step, out=slope)
    return levels, slopes


def _grid() -> tuple[Numbers, Numbers, Numbers]:
    alphas, betas, phis = (
        part.ravel() for part in np.meshgrid(HOLT_ALPHAS, HOLT_BETAS, HOLT_PHIS, indexing="ij")
    )
    none = np.zeros(len(SES_ALPHAS))
    return (
        np.concatenate([SES_ALPHAS, alphas]),
        np.concatenate([none, betas]),
        np.concatenate([none, phis]),
    )


def _theta_drift(series: Numbers) -> Numbers:
    """Half the slope of the line through the newest points up to t, for every t, from running sums."""
    count = len(series)
    times = np.arange(count, dtype=np.float64)
    last = np.arange(1, count + 1)
    first = np.maximum(0, last - RECENT)

    def within(numbers: Numbers) -> Numbers:
        running = np.r_[0.0, np.cumsum(numbers)]
        summed: Numbers = running[last] - running[first]
        return summed

    number = (last - first).astype(np.float64)
    near = series - series[0]
    sum_t, sum_y = within(times), within(near)
    below = number * within(times * times) - sum_t * sum_t
    above = number * within(times * near) - sum_t * sum_y
    half: Numbers = np.divide(above, below, out=np.zeros(count), where=below > 0.5) / 2
    return half
