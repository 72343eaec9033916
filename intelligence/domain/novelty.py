"""How new a number is among all that came before it, and how rarely anything was that new.

The novelty of a number is its distance to the nearest number ever seen of the same feature. Its surprise is
L = −log10 of the probability of a novelty at least as great, judged by the series' own past novelties:
counted below their 98 % quantile, and above it from a generalised Pareto distribution fitted by the method of
moments (Hosking and Wallis 1987, Technometrics 29), the usual model of what exceeds a high threshold
(Pickands 1975).
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from math import ceil, log1p, log10
from typing import Final

import numpy as np

NUMBERS_FIRST: Final = 30
"""So many numbers are seen before the distance to the nearest of them means anything."""
NOVELTIES_FIRST: Final = 50
"""So many novelties are seen before one of them can be called rare."""
TAIL_SHARE: Final = 0.02
# The design asks for at least 10 exceedances; the mean and variance of 20 are steadier while a series is
# young.
LEAST_EXCEEDANCES: Final = 20
GREATEST_SHAPE: Final = 0.5
_LN10: Final = 2.302585092994046


class OrderedHistory:
    """The newest `limit` numbers, kept both in the order they came in and in the order of their size."""

    __slots__ = ("_limit", "_oldest", "arrived", "ordered")

    def __init__(self, limit: int, numbers: Sequence[float] = ()) -> None:
        self._limit = limit
        self._oldest = 0
        self.arrived = array("d", numbers)
        self.ordered = array("d", np.sort(np.asarray(numbers, dtype=np.float64)).tobytes())

    def __len__(self) -> int:
        return len(self.ordered)

    def add(self, number: float) -> None:
        """Take `number` in; the oldest leaves when there are more than the limit."""
        self.ordered.insert(bisect_left(self.ordered, number), number)
        if len(self.arrived) < self._limit:
            self.arrived.append(number)
            return
        leaving = self.arrived[self._oldest]
        self.arrived[self._oldest] = number
        self._oldest = (self._oldest + 1) % self._limit
        del self.ordered[bisect_left(self.ordered, leaving)]

    def in_order_of_arrival(self) -> array[float]:
        """All numbers, the oldest first."""
        return self.arrived[self._oldest :] + self.arrived[: self._oldest]

    def distance(self, number: float) -> float:
        """How far the nearest number is; there must be one."""
        place = bisect_left(self.ordered, number)
        above = self.ordered[place] - number if place < len(self.ordered) else float("inf")
        below = number - self.ordered[place - 1] if place else float("inf")
        return min(above, below)

    def median(self) -> float:
        """The middle number (the upper one of two); there must be one."""
        return self.ordered[len(self.ordered) // 2]


class Feature:
    """One feature of a series: what was seen of it, and how novel each of that was when it came."""

    __slots__ = ("novelties", "seen")

    def __init__(self, limit: int, seen: Sequence[float] = (), novelties: Sequence[float] = ()) -> None:
        self.seen = OrderedHistory(limit, seen)
        self.novelties = OrderedHistory(limit, novelties)

    @property
    def ready(self) -> bool:
        """Whether enough was seen to call a novelty rare."""
        return len(self.novelties) >= NOVELTIES_FIRST

    def learn(self, number: float) -> float | None:
        """Return how surprising `number` is, L ≥ 0, and learn it; None while too little was seen."""
        surprise = None
        if len(self.seen) >= NUMBERS_FIRST:
            novelty = self.seen.distance(number)
            if self.ready:
                surprise = tail_surprise(self.novelties.ordered, novelty)
            self.novelties.add(novelty)
        self.seen.add(number)
        return surprise


def tail_surprise(ordered: Sequence[float], novelty: float) -> float:
    """−log10 of the probability of a novelty of at least `novelty`, given the past ones in rising order.

    It rises without end with the novelty, so that of two unheard-of values the further one scores higher.
    Where the past has no tail to fit, as in a constant series, the answer is that of counting: at most 1 in n
    + 1.
    """
    count = len(ordered)
    wanted = max(LEAST_EXCEEDANCES, ceil(TAIL_SHARE * count))
    threshold = ordered[count - wanted - 1]
    counted = log10((count + 1) / (count - bisect_left(ordered, novelty) + 1))
    if novelty <= threshold:
        return counted
    exceeding = np.asarray(ordered[bisect_right(ordered, threshold) :]) - threshold
    found = len(exceeding)
    mean = float(exceeding.mean()) if found else 0.0
    if mean <= 0.0:
        return counted
    variance = float(exceeding.var(ddof=1)) if found > 1 else 0.0
    shape = 0.5 * (1.0 - mean * mean / variance) if variance > 0.0 else 0.0
    shape = min(max(shape, 0.0), GREATEST_SHAPE)
    # With the shape held in its bounds, this scale keeps the mean of the fit at the mean of the exceedances.
    excess = (novelty - threshold) / (mean * (1.0 - shape))
    beyond = log1p(shape * excess) / shape if shape > 0.0 else excess
    return log10((count + 1) / (found + 1)) + beyond / _LN10
