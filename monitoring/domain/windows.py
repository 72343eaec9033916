"""Half-open windows of time in UTC, and the algebra of sets of them.

A set of windows is a tuple, sorted by start, in which no two windows overlap or touch. `union` makes such a
set out of any windows; `intersect` and `subtract` take sets and give sets.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Self

DAY = timedelta(days=1)


def require_utc(moment: datetime, name: str) -> datetime:
    """Return `moment` in UTC; raise ValueError, naming it by `name`, if it is naive or in another zone."""
    if moment.tzinfo is UTC:
        return moment
    offset = moment.utcoffset()
    if offset is None:
        raise ValueError(f"{name} is {moment!r}, without a time zone; give it tzinfo=datetime.UTC")
    if offset:
        raise ValueError(f"{name} is {moment!r}, which is not UTC; convert it with .astimezone(datetime.UTC)")
    return moment.astimezone(UTC)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """The time from `start` (inside) to `end` (outside), both aware and in UTC; never empty."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is not UTC or self.end.tzinfo is not UTC:
            # A zone that merely has offset 0 today would do wall-clock arithmetic later.
            object.__setattr__(self, "start", require_utc(self.start, "the start of the window"))
            object.__setattr__(self, "end", require_utc(self.end, "the end of the window"))
        if self.start >= self.end:
            raise ValueError(
                f"a window must start before it ends, and this one runs from {self.start.isoformat()} "
                f"to {self.end.isoformat()}; exchange or correct its edges"
            )

    @classmethod
    def trailing(cls, now: datetime, duration: timedelta) -> Self:
        """Return the window of length `duration` that ends at `now`."""
        if duration <= timedelta(0):
            raise ValueError(f"a trailing window needs a length above zero, and this one is {duration}")
        return cls(now - duration, now)

    @classmethod
    def utc_day(cls, day: date) -> Self:
        """Return the 24 hours of the UTC day `day`."""
        start = datetime.combine(day, time.min, tzinfo=UTC)
        return cls(start, start + DAY)

    @property
    def duration(self) -> timedelta:
        """The length, exact to the microsecond."""
        return self.end - self.start

    @property
    def seconds(self) -> float:
        """The length in seconds."""
        return self.duration.total_seconds()

    def contains(self, moment: datetime) -> bool:
        """Say whether `moment` is inside; the start is, the end is not."""
        return self.start <= moment < self.end

    def clip(self, limits: Window) -> Window | None:
        """Return the part inside `limits`, or None if there is none."""
        return window_or_none(max(self.start, limits.start), min(self.end, limits.end))

    def days(self) -> tuple[date, ...]:
        """Return the UTC days that lie completely inside, in order; `utc_day` makes windows of them."""
        first = self.start.date()
        if self.start.time() != time.min:
            first += DAY
        count = (self.end.date() - first).days
        return tuple(first + DAY * number for number in range(count))


Windows = tuple[Window, ...]


def window_or_none(start: datetime, end: datetime) -> Window | None:
    """Return the window from `start` to `end`, or None where that would be empty or inverted."""
    return Window(start, end) if start < end else None


def calendar_month(at: datetime, zone: tzinfo) -> Window:
    """Return the calendar month, as people in `zone` count it, that contains the UTC moment `at`.

    Its length differs by an hour from whole days where the month holds a change of daylight saving time.
    """
    local = require_utc(at, "the moment").astimezone(zone)
    first = datetime(local.year, local.month, 1, tzinfo=zone)
    year, month = (local.year + 1, 1) if local.month == 12 else (local.year, local.month + 1)
    following = datetime(year, month, 1, tzinfo=zone)
    return Window(first.astimezone(UTC), following.astimezone(UTC))


def union(*groups: Iterable[Window]) -> Windows:
    """Return the set of all moments in any of `groups`, given in any order; O(n log n)."""
    merged: list[Window] = []
    pending: list[Window] = sorted((window for group in groups for window in group), key=_start)
    if not pending:
        return ()
    start, end = pending[0].start, pending[0].end
    for window in pending:
        if window.start > end:
            merged.append(Window(start, end))
            start, end = window.start, window.end
        elif window.end > end:
            end = window.end
    merged.append(Window(start, end))
    return tuple(merged)


def intersect(left: Windows, right: Windows) -> Windows:
    """Return the moments that are in both sets; O(n)."""
    shared: list[Window] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start = max(left[i].start, right[j].start)
        end = min(left[i].end, right[j].end)
        if start < end:
            shared.append(Window(start, end))
        if left[i].end < right[j].end:
            i += 1
        else:
            j += 1
    return tuple(shared)


def subtract(left: Windows, right: Windows) -> Windows:
    """Return the moments of the set `left` that are not in the set `right`; O(n)."""
    kept: list[Window] = []
    i = 0
    for window in left:
        start = window.start
        while i < len(right) and right[i].end <= start:
            i += 1
        j = i
        while j < len(right) and right[j].start < window.end:
            if right[j].start > start:
                kept.append(Window(start, right[j].start))
            start = right[j].end
            j += 1
        if start < window.end:
            kept.append(Window(start, window.end))
    return tuple(kept)


def total_duration(windows: Windows) -> timedelta:
    """Return the length of the set, exact to the microsecond."""
    return sum((window.duration for window in windows), timedelta(0))


def total_seconds(windows: Windows) -> float:
    """Return the length of the set in seconds."""
    return total_duration(windows).total_seconds()


def _start(window: Window) -> datetime:
    return window.start
