"""An uptime strip: a window cut into equal cells, each in the gravest state that any part of it was in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby

from monitoring.domain.uptime import EndpointRecord
from monitoring.domain.windows import Window, Windows, intersect, subtract, union, window_or_none


class TimeState(StrEnum):
    """What is known of a stretch of time."""

    UP = "up"
    DOWN = "down"
    EXCLUDED = "excluded"
    UNKNOWN = "unknown"


# The gravest first: of an hour with a second of outage the strip says "down", never "mostly fine".
_GRAVEST_FIRST = (TimeState.DOWN, TimeState.UNKNOWN, TimeState.EXCLUDED, TimeState.UP)


@dataclass(frozen=True, slots=True)
class Stretch:
    """`cells` neighbouring cells in one state, from cell number `first` on (0 = the oldest)."""

    state: TimeState
    first: int
    cells: int


def strip_of(window: Window, record: EndpointRecord, now: datetime, *, cells: int) -> tuple[Stretch, ...]:
    """Return `window` in `cells` cells as stretches, oldest first; what lies after `now` is unknown.

    Down is the likely reading of the outages, as far as anybody was looking. A gap in the observation that is
    shorter than a hundredth of a cell does not make the cell unknown: a probe that is a moment late would.
    O(n log n) in the number of spans and outages, O(n) in the number of cells.

    Raises:
        ValueError: when `cells` is not positive.
    """
    if cells < 1:
        raise ValueError(f"a strip needs at least one cell, and this one has {cells}")
    step = window.duration / cells
    edges = [window.start + step * number for number in range(cells)] + [window.end]
    states = _sets(window, record, now, tolerated=step / 100)
    found = [set[TimeState]() for _ in range(cells)]
    for state, windows in states.items():
        for number in _touched(edges, windows):
            found[number].add(state)
    gravest = [next(state for state in _GRAVEST_FIRST if state in states) for states in found]
    stretches = []
    for state, group in groupby(enumerate(gravest), key=lambda cell: cell[1]):
        numbers = [number for number, _ in group]
        stretches.append(Stretch(state, numbers[0], len(numbers)))
    return tuple(stretches)


def _sets(
    window: Window, record: EndpointRecord, now: datetime, *, tolerated: timedelta
) -> dict[TimeState, Windows]:
    """The four sets of moments; together they are the window, but for gaps of at most `tolerated`."""
    elapsed = window_or_none(window.start, min(window.end, now))
    lived: Windows = (elapsed,) if elapsed else ()
    excluded = intersect(union(record.excluded), lived)
    seen = subtract(intersect(union(record.spans), lived), excluded)
    likely = union(part for part in (outage.likely(now) for outage in record.outages) if part is not None)
    down = intersect(likely, seen)
    unknown = subtract((window,), union(seen, excluded))
    gaps = tuple(gap for gap in unknown if gap.duration > tolerated)
    forgiven = tuple(gap for gap in unknown if gap.duration <= tolerated)
    up = union(subtract(seen, down), forgiven)
    return {TimeState.DOWN: down, TimeState.UNKNOWN: gaps, TimeState.EXCLUDED: excluded, TimeState.UP: up}


def _touched(edges: list[datetime], windows: Windows) -> Iterable[int]:
    """The numbers of the cells between `edges` that `windows`, a set inside them, touch."""
    number, last = 0, len(edges) - 2
    for window in windows:
        while number < last and edges[number + 1] <= window.start:
            number += 1
        at = number
        while at <= last and edges[at] < window.end:
            yield at
            at += 1
