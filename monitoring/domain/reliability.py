"""How often a platform fails and how long repair takes: failures, MTTR, MTBF, the longest outage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from monitoring.domain.uptime import Band, EndpointRecord, Uptime, seen_since
from monitoring.domain.windows import Window, Windows, intersect, subtract, total_seconds, union

BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reliability:
    """Failures of the platform. Outages of several endpoints that overlap are one failure; blips are none.

    An outage is as long as it is, even where it reaches over the edge of the window. Each time is in seconds.
    """

    failures: int
    """How many outages began in the window."""
    mttr_s: Band | None
    """The mean length of the outages that ended in the window; None where none did."""
    mtbf_s: Band | None
    """Up time in the window over its failures; None where none began: what did not happen has no mean."""
    longest_s: Band | None
    """The length of the outage in the window that was likely the longest; None where there was none."""


@dataclass(frozen=True, slots=True)
class _Failure:
    """One outage of the platform, made of overlapping outages of its endpoints."""

    low: Windows
    likely: Windows
    high: Windows
    is_open: bool

    @property
    def length(self) -> Band:
        return Band(total_seconds(self.low), total_seconds(self.likely), total_seconds(self.high))

    def join(self, other: _Failure) -> _Failure:
        return _Failure(
            union(self.low, other.low),
            union(self.likely, other.likely),
            union(self.high, other.high),
            self.is_open or other.is_open,
        )


def reliability(uptime: Uptime, records: Sequence[EndpointRecord], now: datetime) -> Reliability:
    """Return the reliability over the window of `uptime`, as measured of the same records and `now`."""
    window = uptime.window
    found = [failure for record in records for failure in _failures(record, now)]
    present = [failure for failure in _joined(found) if intersect(failure.likely, (window,))]
    began = sum(window.start <= failure.likely[0].start for failure in present)
    ended = [
        failure.length
        for failure in present
        if not failure.is_open and failure.likely[-1].end <= min(window.end, now)
    ]
    return Reliability(
        failures=began,
        mttr_s=_mean(ended),
        mtbf_s=_share(uptime.up_s, began) if began else None,
        longest_s=max((failure.length for failure in present), key=_by_likely, default=None),
    )


def _failures(record: EndpointRecord, now: datetime) -> Iterable[_Failure]:
    """Give the record's outages, without blips and without the time that does not count."""
    barred = union(record.excluded)
    if record.since is not None:
        barred = union(barred, (Window(BEGINNING, record.since),))
    spans = union(record.spans)
    for outage in record.outages:
        likely = outage.likely(now)
        high = outage.high(now, seen_since(spans, outage.first_bad_at))
        counted = subtract(_whole(likely), barred)
        if counted:
            low = subtract(intersect(_whole(outage.low()), spans), barred)
            yield _Failure(low, counted, subtract(_whole(high), barred), outage.is_open)


def _whole(window: Window | None) -> Windows:
    return (window,) if window else ()


def _joined(failures: Iterable[_Failure]) -> list[_Failure]:
    joined: list[_Failure] = []
    for failure in sorted(failures, key=lambda failure: failure.likely):
        if joined and failure.likely[0].start < joined[-1].likely[-1].end:
            joined[-1] = joined[-1].join(failure)
        else:
            joined.append(failure)
    return joined


def _mean(lengths: Sequence[Band]) -> Band | None:
    if not lengths:
        return None
    total = Band(
        sum(length.low for length in lengths),
        sum(length.likely for length in lengths),
        sum(length.high for length in lengths),
    )
    return _share(total, len(lengths))


def _share(band: Band, parts: int) -> Band:
    return Band(band.low / parts, band.likely / parts, band.high / parts)


def _by_likely(length: Band) -> tuple[float, float]:
    return length.likely, length.high
