"""What the detector's three terms cannot see: a series that stands still, and one that says nothing.

A frozen meter shows plausible values, and a dead one shows none, so neither is novel. These two watches stand
beside the detector and are no part of its score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import log10
from typing import Final

import numpy as np

from intelligence.domain.detectors import THRESHOLD

_LEAST_POINTS: Final = 80
_SILENT_STEPS: Final = 2.0
_STEPS: Final = 30
_LEAST_STEPS: Final = 3


@dataclass(frozen=True, slots=True)
class FlatLine:
    """A series that shows the same value longer than ever; `score` is −log10 of the chance of that."""

    value: float
    repeats: int
    longest_before: int
    score: float

    @property
    def explanation(self) -> str:
        """In words."""
        before = f"never more than {self.longest_before} times" if self.longest_before else "never"
        return (
            f"The value {self.value:g} was repeated {self.repeats} times in a row; earlier ones were repeated"
            f" {before}. The meter may be stuck."
        )


@dataclass(frozen=True, slots=True)
class Silence:
    """A series whose next point is overdue."""

    last_at: datetime
    usual_step: timedelta
    missed: int

    @property
    def explanation(self) -> str:
        """In words."""
        return (
            f"No data since {self.last_at.isoformat()}: {self.missed} points are missing, one every"
            f" {self.usual_step.total_seconds():g} s was usual."
        )


def flat_line(values: Sequence[float]) -> FlatLine | None:
    """Tell whether the newest values are the same for longer than chance allows; for kinds in `series.MOVING`.

    None if not, or under 80 values.

    With q the share of values so far that repeated the one before, r repeats in a row have a chance of q^r.
    They are found when −log10 of that reaches the detector's threshold and no earlier run was as long: a
    series that is often still, like the nightly zeros of a small site, needs a longer run, and a constant one
    is never found.
    """
    if len(values) < _LEAST_POINTS or values[-1] != values[-2]:
        return None
    known = np.asarray(values, dtype=np.float64)
    changed = np.flatnonzero(np.diff(known) != 0)
    if not len(changed):
        return None
    start = int(changed[-1]) + 1
    repeats = len(known) - 1 - start
    edges = np.r_[-1, changed]
    longest = int(np.diff(edges).max()) - 1
    before = start
    share = (before - len(changed) + 1) / (before + 2)
    score = -repeats * log10(share)
    if repeats <= longest or score < THRESHOLD:
        return None
    return FlatLine(float(known[-1]), repeats, longest, score)


def silence(times: Sequence[datetime], now: datetime) -> Silence | None:
    """Tell whether points stopped coming: nothing for two usual steps or more.

    None if not, or under 4 points.

    The usual step is the median of the last 30.
    """
    recent = times[-_STEPS - 1 :]
    if len(recent) <= _LEAST_STEPS:
        return None
    steps = sorted(after - before for before, after in pairwise(recent))
    usual = steps[len(steps) // 2]
    waited = now - recent[-1]
    if waited < _SILENT_STEPS * usual:
        return None
    return Silence(last_at=recent[-1], usual_step=usual, missed=int(waited / usual))
