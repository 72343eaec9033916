"""Where in the log to look for its newest rows, when all that is indexed is coarse.

The log has no index that sorts it (one would outweigh the log's other indexes five hundred times), so its
newest rows are sought in slices of time, the newest slice first, until enough are found. The hourly rollup
says which hours hold rows and how many, so an empty month costs nothing and a busy hour is not read whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise

HOUR = timedelta(hours=1)
# The first slice is as long as twice the wanted rows take on average, each further one four times longer.
_SPARE, _GROWTH = 2, 4

Slice = tuple[datetime, datetime]


def slices(
    hours: Mapping[datetime, int],
    *,
    wanted: int,
    start: datetime | None = None,
    stop: datetime | None = None,
    now: datetime | None = None,
) -> list[Slice]:
    """Return the slices `[from, to)` to read, the newest first, disjoint, within `[start, stop)`.

    `hours` are the beginnings of the hours that hold rows, with their number of rows. `now` only says where
    the rows of the running hour end, as far as clocks agree.
    """
    found: list[Slice] = []
    for hour in sorted(hours, reverse=True):
        low = max(hour, start) if start else hour
        high = min(hour + HOUR, stop) if stop else hour + HOUR
        edges = [high, *_cuts(hour, hours[hour], wanted, low, high, now), low]
        found += [(older, newer) for newer, older in pairwise(edges) if older < newer]
    return found


def _cuts(
    hour: datetime, rows: int, wanted: int, low: datetime, high: datetime, now: datetime | None
) -> Iterator[datetime]:
    filled = HOUR
    if now is not None and hour < now < hour + HOUR:
        filled = now - hour
        if low < now < high:
            high = now
            yield now
    age = filled * (_SPARE * wanted / max(rows, 1))
    while high - age > low:
        yield high - age
        age *= _GROWTH
