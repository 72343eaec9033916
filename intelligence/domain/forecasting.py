"""Forecasts of a daily (or otherwise regular) series with 95 % intervals from its own past errors.

The mean of four simple methods on the deseasonalised series: last value, SES, damped Holt and theta.
Combining beats choosing (Makridakis, Spiliotis, Assimakopoulos 2020, the M4 competition).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, isfinite
from typing import Final

import numpy as np
from numpy.typing import NDArray

from intelligence.domain.seasonality import Season, possible_seasons
from intelligence.domain.smoothing import RECENT, combined

Numbers = NDArray[np.float64]

LEAST_POINTS: Final = 7
ENOUGH_POINTS: Final = 28
CONFIDENCE: Final = 0.95
_Z: Final = 1.96
# An error quantile from fewer past errors than this says little; the width is then carried on by √steps.
_LEAST_ERRORS: Final = 8
_LARGEST_MISSING_SHARE: Final = 0.25
_LARGEST: Final = 1e100


class UnableToForecast(ValueError):
    """Input that cannot be forecast at all; the message says what is wrong with it."""


class Method(StrEnum):
    """How a forecast was made."""

    COMBINED = "combined"
    COMBINED_SEASONAL = "combined_seasonal"
    SEASONAL_NAIVE = "seasonal_naive"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Span:
    """An expected number and its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected of the next points, each with its 95 % interval, in the unit of the series.

    With `Method.NONE` the sequences are empty and `total` is None. `total` is the sum over the horizon, with
    the interval of that sum. `backtest_error` is the mean absolute error of this method's forecasts of the
    series' own past, over all steps of the horizon; None when there was no past to try it on.
    """

    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    method: Method
    data_points: int
    backtest_error: float | None
    explanation: str
    total: Span | None = None
    confidence: float = CONFIDENCE


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the series can be at all; forecasts and intervals are kept within."""

    low: float = float("-inf")
    high: float = float("inf")

    def clip(self, numbers: Numbers) -> Numbers:
        """The numbers, none below `low` or above `high`."""
        clipped: Numbers = np.clip(numbers, self.low, self.high)
        return clipped


UNBOUNDED: Final = Bounds()
AT_LEAST_ZERO: Final = Bounds(low=0.0)
PERCENT: Final = Bounds(low=0.0, high=100.0)


def forecast(
    values: Sequence[float | None], horizon: int, *, seasons: Sequence[int] = (7,), bounds: Bounds = UNBOUNDED
) -> Forecast:
    """Forecast the `horizon` points after `values` (oldest first, regular steps, None where no data is).

    Raises:
        UnableToForecast: when the horizon or a season is below 1, or a value NaN, infinite or beyond ±1e100.
    """
    if horizon < 1 or min(seasons, default=1) < 1:
        raise UnableToForecast(
            f"A horizon of {horizon}, seasons of {list(seasons)} points: all must be 1 or more."
        )
    known = [value for value in values if value is not None]
    wrong = next((value for value in known if not (isfinite(value) and abs(value) < _LARGEST)), None)
    if wrong is not None:
        raise UnableToForecast(f"A value of the series is {wrong}; give a number, or None for no data.")
    series = _filled(values)
    filled = len(series) - len(known)
    if len(known) < LEAST_POINTS or filled > _LARGEST_MISSING_SHARE * len(series):
        return _no_forecast(len(known), filled)
    asked = _Asked(horizon, _missing_at_the_end(values), bounds, len(known), filled)
    if len(known) < ENOUGH_POINTS:
        return _seasonal_naive(series, min(seasons, default=1), asked)
    return _combined(series, seasons, asked)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be forecast: `horizon` points that begin `late` steps after the last known one."""

    horizon: int
    late: int
    bounds: Bounds
    known: int
    filled: int

    @property
    def reach(self) -> int:
        return self.late + self.horizon

    @property
    def gaps(self) -> str:
        """What was missing, in words."""
        filled = f" {self.filled} without data in between were filled in on a straight line."
        inside = filled if self.filled else ""
        after = f" The last {self.late} before the forecast have no data." if self.late else ""
        return inside + after


def forecast_churn(rates: Sequence[float | None], horizon: int) -> Forecast:
    """Forecast the daily churn rate in percent (`retention.churn`), never outside 0 to 100."""
    return forecast(rates, horizon, bounds=PERCENT)


def _missing_at_the_end(values: Sequence[float | None]) -> int:
    return next(place for place, value in enumerate(reversed(values)) if value is not None)


def _filled(values: Sequence[float | None]) -> Numbers:
    """The series from its first to its last known value, the gaps inside on a straight line."""
    places = [place for place, value in enumerate(values) if value is not None]
    if not places:
        return np.empty(0)
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    wanted = np.arange(places[0], places[-1] + 1)
    series: Numbers = np.interp(wanted, places, known)
    return series


def _no_forecast(known: int, filled: int) -> Forecast:
    if known < LEAST_POINTS:
        why = f"No forecast: {known} points of data, and at least {LEAST_POINTS} are needed."
    else:
        why = f"No forecast: {filled} points between the {known} known ones are missing, more than a quarter."
    return Forecast((), (), (), Method.NONE, known, None, why)


def _combined(series: Numbers, seasons: Sequence[int], asked: _Asked) -> Forecast:
    first_origin = _first_origin(len(series), asked.reach)
    choices = (*possible_seasons(series, seasons), None)
    plain = [season.remove(series) if season else series for season in choices]
    tried = [
        _tried(series, _with_season(expected, season), season, first_origin)
        for season, expected in zip(choices, combined(plain, asked.reach, first_origin), strict=True)
    ]
    # The same judge as for the parameters: what would have erred least lately, here over all steps.
    best = min(tried, key=lambda one: float(np.nanmean(np.abs(one.errors[-RECENT - asked.reach :]))))
    method = Method.COMBINED_SEASONAL if best.season else Method.COMBINED
    ways = f"The mean of last value, SES, damped Holt and theta{_cycle(best.season)}"
    told = f"{ways}, from {asked.known} points.{asked.gaps}"
    # The effects were found on the very points whose errors are known; for the coming ones they are themselves
    # uncertain, as the mean of so many cycles is.
    widening = float(np.sqrt(1 + 1 / best.season.cycles)) if best.season else 1.0
    return _result(best.mean, best.errors, method, asked, told, widening)


@dataclass(frozen=True, slots=True)
class _Tried:
    """What one way to see the season expects, and how it erred from past origins."""

    season: Season | None
    mean: Numbers
    errors: Numbers


def _tried(series: Numbers, expected: Numbers, season: Season | None, first_origin: int) -> _Tried:
    return _Tried(season, expected[-1], past_errors(expected, series, first_origin))


def _cycle(season: Season | None) -> str:
    if season is None:
        return "; no season helped"
    kind = "a multiplicative" if season.multiplicative else "an additive"
    return f" on {kind} season of {season.length} points"


def _first_origin(count: int, horizon: int) -> int:
    """Smoothing needs some points to settle; a short series spares fewer of them."""
    return max(2, min(count // 4, count - horizon - _LEAST_ERRORS))


def _with_season(expected: Numbers, season: Season | None) -> Numbers:
    if season is None:
        return expected
    count, horizon = expected.shape
    effects = season.at(0, count + horizon)
    ahead = np.lib.stride_tricks.sliding_window_view(effects[1:], horizon)
    return expected * ahead if season.multiplicative else expected + ahead


def past_errors(expected: Numbers, series: Numbers, first_origin: int) -> Numbers:
    """What came minus what was expected, by origin and step; NaN where it had not come yet."""
    horizon = expected.shape[1]
    padded = np.r_[series, np.full(horizon, np.nan)]
    came = np.lib.stride_tricks.sliding_window_view(padded[1:], horizon)
    errors: Numbers = (came - expected)[first_origin:-1]
    return errors


def half_widths(errors: Numbers) -> Numbers:
    """Half the 95 % interval of each step: the mean of 1.96·RMS and the conformal quantile, monotone.

    Where fewer than 8 past errors exist the last known width is carried on by √steps.
    """
    horizon = errors.shape[1]
    widths = np.zeros(horizon)
    for step in range(horizon):
        column = errors[:, step]
        size = np.abs(column[~np.isnan(column)])
        if len(size) >= _LEAST_ERRORS or step == 0:
            widths[step] = _half_width(size)
        else:
            widths[step] = widths[step - 1] * np.sqrt((step + 1) / step)
    monotone: Numbers = np.maximum.accumulate(widths)
    return monotone


def _half_width(sizes: Numbers) -> float:
    rms = float(np.sqrt(np.mean(sizes**2)))
    # Split conformal: the ⌈0.95·(n + 1)⌉-th smallest of n errors (Vovk et al. 2005).
    rank = min(len(sizes), ceil(CONFIDENCE * (len(sizes) + 1)))
    return (_Z * rms + float(np.sort(sizes)[rank - 1])) / 2


def _result(
    mean: Numbers, errors: Numbers, method: Method, asked: _Asked, told: str, widening: float = 1.0
) -> Forecast:
    widths = widening * half_widths(errors)[asked.late :]
    mean, errors, bounds = mean[asked.late :], errors[:, asked.late :], asked.bounds
    centre = bounds.clip(mean)
    known_errors = np.abs(errors[~np.isnan(errors)])
    return Forecast(
        mean=tuple(centre.tolist()),
        low=tuple(bounds.clip(mean - widths).tolist()),
        high=tuple(bounds.clip(mean + widths).tolist()),
        method=method,
        data_points=asked.known,
        backtest_error=float(known_errors.mean()) if len(known_errors) else None,
        explanation=told,
        total=_total(centre, widening * errors, widths, bounds),
    )


def _total(mean: Numbers, errors: Numbers, widths: Numbers, bounds: Bounds) -> Span:
    """The sum over the horizon; its interval from past sums, or the steps' widths where those are few."""
    sums = np.abs(errors.sum(axis=1))
    sums = sums[~np.isnan(sums)]
    width = _half_width(sums) if len(sums) >= _LEAST_ERRORS else float(widths.sum())
    total = float(mean.sum())
    ends = len(mean) * bounds.low, len(mean) * bounds.high
    return Span(total, max(total - width, ends[0]), min(total + width, ends[1]))


def _seasonal_naive(series: Numbers, season: int, asked: _Asked) -> Forecast:
    """The last cycle again; with less than two cycles the errors are those of any value for another."""
    length = min(season, len(series))
    mean = series[len(series) - length + np.arange(asked.reach) % length]
    if len(series) >= 2 * length:
        once = series[length:] - series[:-length]
    else:
        once = (series[:, None] - series[None, :])[np.triu_indices(len(series), 1)]
    cycles = np.sqrt(np.arange(asked.reach) // length + 1.0)
    told = (
        f"Only {asked.known} points of data, fewer than {ENOUGH_POINTS}: the last {length} points repeated"
        f" (seasonal naive). Take the interval as rough.{asked.gaps}"
    )
    return _result(mean, once[:, None] * cycles[None, :], Method.SEASONAL_NAIVE, asked, told)
