"""Which rollup answers for which part of a window: hours inside, minutes and rows at the edges."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from monitoring.domain.windows import Window, Windows, subtract, window_or_none

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Parts:
    """A window cut by what can answer for it; together the parts are the window, and none overlaps."""

    hours: Windows
    minutes: Windows
    rows: Windows


def parts_of(window: Window) -> Parts:
    """Cut `window` into whole UTC hours, whole minutes around them, and what is left at the two ends."""
    hours = _whole(window, HOUR)
    minutes = _whole(window, MINUTE)
    return Parts(
        hours=hours,
        minutes=subtract(minutes, hours),
        rows=subtract((window,), minutes),
    )


def _whole(window: Window, unit: timedelta) -> Windows:
    first = -(-(window.start - _EPOCH) // unit)
    last = (window.end - _EPOCH) // unit
    whole = window_or_none(_EPOCH + first * unit, _EPOCH + last * unit) if last > first else None
    return (whole,) if whole else ()


@dataclass(frozen=True, slots=True)
class Counts:
    """What was observed of one endpoint in a window; `latency_sum_ms` is over the answered ones."""

    total: int = 0
    bad: int = 0
    server_errors: int = 0
    latency_sum_ms: float = 0.0
    latency_count: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.total + other.total,
            self.bad + other.bad,
            self.server_errors + other.server_errors,
            self.latency_sum_ms + other.latency_sum_ms,
            self.latency_count + other.latency_count,
        )

    @property
    def error_rate(self) -> float | None:
        """Bad / all, from 0 to 1; None where nothing was observed."""
        return self.bad / self.total if self.total else None

    @property
    def mean_latency_ms(self) -> float | None:
        """The average latency of the answered ones; None where nothing answered."""
        return self.latency_sum_ms / self.latency_count if self.latency_count else None
