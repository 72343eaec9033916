"""Uptime of a platform over a window: every moment is up, down, excluded or unknown.

A moment of the platform is, in this order: in the future, unknown; down where any counted endpoint is surely
down; unknown where any is unknown; excluded where all are in maintenance; else up. Where everything is known,
downtime has three readings (sure, likely, possible), which differ only by the edges of outages and by blips.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from functools import reduce
from math import isfinite

from monitoring.domain.outages import Outage
from monitoring.domain.windows import (
    Window,
    Windows,
    intersect,
    require_utc,
    subtract,
    total_duration,
    union,
    window_or_none,
)

NO_DATA = "NO DATA"
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Band:
    """A measured number with its bounds: `low` ≤ `likely` ≤ `high`."""

    low: float
    likely: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.likely <= self.high:
            raise ValueError(f"a band must rise, and this one is {self.low}, {self.likely}, {self.high}")


@dataclass(frozen=True, slots=True)
class EndpointRecord:
    """What is stored of one endpoint: when it was observed, its outages, and its maintenance.

    `excluded` beats everything else that is known or unknown of the endpoint in that time. Before `since` the
    endpoint did not count for the platform at all (it did not exist, or was not critical); None: it always
    did.
    """

    key: str
    spans: Windows
    outages: tuple[Outage, ...] = ()
    excluded: Windows = ()
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Uptime:
    """How a window was spent. In each reading up + down + excluded + unknown is the window.

    The bands are ordered by their own numbers: `up_s.low` and `uptime.low` belong to `down_s.high`.
    """

    window: Window
    up_s: Band
    down_s: Band
    excluded_s: float
    unknown_s: float
    uptime: Band | None
    """1 - down / (up + down), from 0 to 1; None (NO DATA) where nothing of the window was up or down."""
    coverage: float
    """(up + down + excluded) / window, from 0 to 1."""

    @property
    def window_s(self) -> float:
        """The length of the window in seconds."""
        return self.window.seconds


@dataclass(frozen=True, slots=True)
class Downtime:
    """The time in which one endpoint (or the platform) was down: surely, likely, possibly."""

    low: Windows
    likely: Windows
    high: Windows


@dataclass(frozen=True, slots=True)
class _Timeline:
    """One endpoint inside the elapsed part of the window. `absent` is the time before it counted."""

    absent: Windows
    excluded: Windows
    unknown: Windows
    down: Downtime


def measure(window: Window, records: Sequence[EndpointRecord], now: datetime) -> Uptime:
    """Return how the platform made of `records` spent `window`, as far as it was known by `now`.

    Without any record everything is unknown. O(n log n) in the number of spans and outages.
    """
    elapsed = window_or_none(window.start, min(window.end, require_utc(now, "now")))
    if elapsed is None or not records:
        return _uptime(window, known=(), excluded=(), down=Downtime((), (), ()))
    timelines = [_timeline(elapsed, record, now) for record in records]
    absent = reduce(intersect, (timeline.absent for timeline in timelines))
    surely_down = union(*(timeline.down.low for timeline in timelines))
    unknown = subtract(union(absent, *(timeline.unknown for timeline in timelines)), surely_down)
    spared = reduce(intersect, (union(timeline.excluded, timeline.absent) for timeline in timelines))
    excluded = subtract(spared, absent)
    known = subtract((elapsed,), union(unknown, excluded))
    down = Downtime(
        low=surely_down,
        likely=intersect(union(*(timeline.down.likely for timeline in timelines)), known),
        high=intersect(union(*(timeline.down.high for timeline in timelines)), known),
    )
    return _uptime(window, known=known, excluded=excluded, down=down)


def format_percent(ratio: float | None, places: int = 2) -> str:
    """Return `ratio` (0.9998) in percent, floored to `places` decimals ("99.98"), without the sign.

    None reads NO DATA. Floored, so that nothing looks better than it is; less than the whole never reads 100.
    The floor is taken
    of the decimal number that is meant: of a float, the 15 digits that it can hold, not of its binary dust.
    """
    if ratio is None:
        return NO_DATA
    if not isfinite(ratio):
        raise ValueError(f"{ratio} is not a ratio; pass None where there is no data")
    step = Decimal(1).scaleb(-places)
    percent = (Decimal(f"{ratio:.15g}") * 100).quantize(step, rounding=ROUND_FLOOR)
    if ratio < 1 and percent >= 100:
        percent = 100 - step
    return f"{percent:f}"


def _timeline(elapsed: Window, record: EndpointRecord, now: datetime) -> _Timeline:
    counted: Windows = (elapsed,)
    if record.since is not None:
        window = window_or_none(max(elapsed.start, require_utc(record.since, "since")), elapsed.end)
        counted = (window,) if window else ()
    spans = union(record.spans)
    excluded = intersect(union(record.excluded), counted)
    seen = subtract(intersect(spans, counted), excluded)
    outages = [outage for outage in record.outages if _touches(outage, elapsed)]
    likely = (outage.likely(now) for outage in outages)
    high = (outage.high(now, seen_since(spans, outage.first_bad_at)) for outage in outages)
    return _Timeline(
        absent=subtract((elapsed,), counted),
        excluded=excluded,
        unknown=subtract(counted, union(seen, excluded)),
        down=Downtime(
            low=intersect(_set(outage.low() for outage in outages), seen),
            likely=intersect(_set(likely), seen),
            high=intersect(_set(high), seen),
        ),
    )


def _touches(outage: Outage, window: Window) -> bool:
    """Cheaply refuse what cannot reach into the window (most outages, when the window is a day of many)."""
    if outage.first_good_at is not None and outage.first_good_at <= window.start:
        return False
    return outage.last_good_at is None or outage.last_good_at < window.end


def _set(windows: Iterable[Window | None]) -> Windows:
    return union(window for window in windows if window is not None)


def seen_since(spans: Windows, moment: datetime) -> datetime:
    """Return the start of the span that holds `moment`: nothing before it speaks for the endpoint."""
    place = bisect_right(spans, moment, key=lambda span: span.start) - 1
    if place >= 0 and spans[place].end >= moment:
        return spans[place].start
    return moment


def _uptime(window: Window, *, known: Windows, excluded: Windows, down: Downtime) -> Uptime:
    whole, judged, spared = window.duration, total_duration(known), total_duration(excluded)
    low, likely, high = (total_duration(part) for part in (down.low, down.likely, down.high))
    return Uptime(
        window=window,
        up_s=_seconds(judged - high, judged - likely, judged - low),
        down_s=_seconds(low, likely, high),
        excluded_s=spared.total_seconds(),
        unknown_s=(whole - judged - spared).total_seconds(),
        uptime=Band(*(_ratio(judged - part, judged) for part in (high, likely, low))) if judged else None,
        coverage=_ratio(judged + spared, whole),
    )


def _seconds(low: timedelta, likely: timedelta, high: timedelta) -> Band:
    return Band(low.total_seconds(), likely.total_seconds(), high.total_seconds())


def _ratio(part: timedelta, whole: timedelta) -> float:
    """Divide whole microseconds: the quotient is the float nearest to the truth, and 0.9998 is 0.9998."""
    return (part // MICROSECOND) / (whole // MICROSECOND)
