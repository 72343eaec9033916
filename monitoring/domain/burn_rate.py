"""Multi-window, multi-burn-rate alerts: is the error budget being spent much faster than it may be?

After the Site Reliability Workbook, chapter 5. A pair of windows says yes when the burn rate is beyond its
factor over the long window (it matters) and over the short one (it is still going on).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class BurnPair:
    """Two windows. `budget_share` (0 to 1) of the whole budget spent within `long` is too much."""

    short: timedelta
    long: timedelta
    budget_share: float
    page: bool
    """Whether somebody must be woken; else a ticket will do."""

    def factor(self, period: timedelta) -> float:
        """Return the burn rate that spends `budget_share` of the budget of `period` within `long`."""
        return self.budget_share * (period / self.long)


_5M, _30M = timedelta(minutes=5), timedelta(minutes=30)
_1H, _2H, _6H = timedelta(hours=1), timedelta(hours=2), timedelta(hours=6)
_1D, _3D = timedelta(days=1), timedelta(days=3)
WEEK = timedelta(days=7)

# 2, 5 and 10 % of a month are 8, 12.5, 20 and 42 % of a week: the week's shares are Sloth's.
MONTH_PAIRS = (
    BurnPair(_5M, _1H, 0.02, page=True),
    BurnPair(_30M, _6H, 0.05, page=True),
    BurnPair(_2H, _1D, 0.10, page=False),
    BurnPair(_6H, _3D, 0.10, page=False),
)
WEEK_PAIRS = (
    BurnPair(_5M, _1H, 0.08, page=True),
    BurnPair(_30M, _6H, 0.125, page=True),
    BurnPair(_2H, _1D, 0.20, page=False),
    BurnPair(_6H, _3D, 0.42, page=False),
)

BURN_WINDOWS = (_5M, _30M, _1H, _2H, _6H, _1D, _3D)
SHORTEST = _5M


def pairs_for(period: timedelta) -> tuple[BurnPair, ...]:
    """Return the pairs for an SLO kept over `period`: a week has shares of its own."""
    return WEEK_PAIRS if period <= WEEK else MONTH_PAIRS


@dataclass(frozen=True, slots=True)
class Burn:
    """The pair that is furthest on: how fast, against how fast it may be."""

    pair: BurnPair
    rate: float
    """The smaller of the pair's two burn rates: both windows say at least this."""
    factor: float

    @property
    def excess(self) -> float:
        """The rate over the factor; above 1, the budget burns too fast."""
        return self.rate / self.factor


def worst_burn(
    rates: Mapping[timedelta, float | None], *, period: timedelta, history: timedelta | None
) -> Burn | None:
    """Return the pair that is furthest on, by the burn rates of the trailing windows.

    A pair whose long window reaches back before anything was measured (`history` ago) is not judged, nor is
    one of whose windows nothing is known. None where that leaves no pair.
    """
    judged = [
        burn
        for pair in pairs_for(period)
        if history is not None and pair.long <= history
        if (burn := pair_burn(pair, rates, period)) is not None
    ]
    return max(judged, key=lambda burn: burn.excess, default=None)


def pair_burn(pair: BurnPair, rates: Mapping[timedelta, float | None], period: timedelta) -> Burn | None:
    """Return how far on one pair is; None where either window has no rate."""
    short, long = rates.get(pair.short), rates.get(pair.long)
    if short is None or long is None:
        return None
    return Burn(pair, min(short, long), pair.factor(period))
