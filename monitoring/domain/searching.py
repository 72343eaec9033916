"""Where in the log to look for its newest rows, when all that is indexed is coarse.

The log has no index that sorts it (one would outweigh the log's other indexes five hundred times), so its
newest rows are sought in slices of time, the newest slice first, until enough are found. The hourly rollup
says which hours hold rows at all, so an empty month costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

HOUR = timedelta(hours=1)
# Ages, within an hour, at which it is cut: a busy hour is rarely read past its first slices.
_CUTS = tuple(timedelta(seconds=s) for s in (2, 10, 60, 300, 1200))

Slice = tuple[datetime, datetime]


def slices(hours: Iterable[datetime], *, start: datetime | None, stop: datetime | None) -> list[Slice]:
    """Return the slices `[from, to)` to read, the newest first, disjoint, within `[start, stop)`.

    `hours` are the beginnings of the hours that hold rows, in any order.
    """
    found: list[Slice] = []
    for hour in sorted(set(hours), reverse=True):
        low = max(hour, start) if start else hour
        high = min(hour + HOUR, stop) if stop else hour + HOUR
        edges = [high, *(high - cut for cut in _CUTS if high - cut > low), low]
        found += [(older, newer) for newer, older in pairwise(edges) if older < newer]
    return found
