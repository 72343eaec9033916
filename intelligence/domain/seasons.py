"""What a series usually shows at this time of day."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final

DAY: Final = 86_400.0
AROUND: Final = 1_800.0
"""Seconds before and after the same time of another day that still count as that time."""
DAYS_BACK: Final = 14
WEEKS_BACK: Final = 4


def same_time_of_day(times: Sequence[float], values: Sequence[float], at: float) -> float | None:
    """The median of what was seen within half an hour of the same time of day; None when nothing was.

    The last 14 days count until a series is that old, and from then on the same weekday of the last 4 weeks.
    `times` (seconds, rising) and `values` are what came before `at`; what came at `at` itself does not count.
    """
    if not times:
        return None
    first, count = times[0], len(times)
    grown = at - first >= DAYS_BACK * DAY
    steps = range(7, 7 * WEEKS_BACK + 1, 7) if grown else range(1, DAYS_BACK + 1)
    found: list[float] = []
    end = count
    for step in steps:
        moment = at - step * DAY
        if moment + AROUND < first:
            break
        end = bisect_right(times, moment + AROUND, 0, end)
        found.extend(values[bisect_left(times, moment - AROUND, 0, end) : end])
    if not found:
        return None
    found.sort()
    middle = len(found) // 2
    return found[middle] if len(found) % 2 else (found[middle - 1] + found[middle]) / 2
