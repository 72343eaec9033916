"""Whether a series repeats itself every m points, and by how much each place in the cycle differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

# 90 % two-sided, as the M4 competition's own test of seasonality.
_SIGNIFICANCE: Final = 1.645
LEAST_CYCLES: Final = 3
_HALF_LIFE_CYCLES: Final = 2.0
_LEAST_SHARE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Season:
    """The effect of each place in a cycle of `length` points: a factor if multiplicative, else an amount.

    `cycles` is how many equally counting cycles would have told as much as the weighted ones did.
    """

    length: int
    effects: tuple[float, ...]
    multiplicative: bool
    cycles: float = 1.0

    def at(self, first: int, count: int) -> Numbers:
        """The effects at points `first` … `first + count − 1`."""
        return np.asarray(self.effects)[np.arange(first, first + count) % self.length]

    def remove(self, series: Numbers) -> Numbers:
        """The series without its season."""
        effects = self.at(0, len(series))
        return series / effects if self.multiplicative else series - effects


def is_seasonal(series: Numbers, length: int) -> bool:
    """Whether the autocorrelation at lag `length` is beyond what chance and the shorter lags explain.

    |r_m| > 1.645 · √((1 + 2·Σ r_i², i < m) / n), Bartlett's formula. At least three whole cycles are needed.
    """
    if length <= 1 or len(series) < LEAST_CYCLES * length:
        return False
    centred = series - series.mean()
    power = float(centred @ centred)
    if power <= 0.0:
        return False
    lags = np.array([float(centred[:-lag] @ centred[lag:]) / power for lag in range(1, length + 1)])
    limit = _SIGNIFICANCE * np.sqrt((1 + 2 * float(lags[:-1] @ lags[:-1])) / len(series))
    return bool(abs(lags[-1]) > limit)


def season_of(series: Numbers, length: int, *, multiplicative: bool) -> Season:
    """The season by classical decomposition around a centred moving average, the newest cycles counting most.

    A cycle counts half as much as the one two cycles after it, so that a season that drifts is followed.
    Needs at least two whole cycles, and for a multiplicative one values above 0.
    """
    weights = np.ones(length) if length % 2 else np.r_[0.5, np.ones(length - 1), 0.5]
    trend = np.convolve(series, weights / length, mode="valid")
    half = (len(weights) - 1) // 2
    inner = series[half : half + len(trend)]
    parts = inner / trend if multiplicative else inner - trend
    order = np.arange(len(trend))
    places = (order + half) % length
    share = 0.5 ** (((len(trend) - 1 - order) // length) / _HALF_LIFE_CYCLES)
    effects = np.bincount(places, parts * share, length) / np.bincount(places, share, length)
    effects = effects / effects.mean() if multiplicative else effects - effects.mean()
    told = share[: len(trend) // length * length : length]
    cycles = float(told.sum() ** 2 / (told @ told))
    return Season(length, tuple(float(effect) for effect in effects), multiplicative, cycles)


def possible_seasons(series: Numbers, lengths: Sequence[int]) -> tuple[Season, ...]:
    """The seasons of the lengths that pass the test: additive, and multiplicative too if all are above 0."""
    # Values near nothing beside others far above would be divided by next to nothing.
    positive = bool(series.min() > _LEAST_SHARE * series.max() > 0)
    kinds = (True, False) if positive else (False,)
    return tuple(
        season_of(series, length, multiplicative=kind)
        for length in lengths
        if is_seasonal(series, length)
        for kind in kinds
    )
