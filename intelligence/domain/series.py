"""The watched series: their kinds, which way each may alarm, and how raw figures become points of them.

None is a point without data. It is neither learned nor judged, and never taken for 0.
"""

from __future__ import annotations

from enum import StrEnum
from math import isfinite
from typing import Final

from monitoring.domain.observing import Severity


class Direction(StrEnum):
    """Which way a value left what was expected, or which way a kind of series is watched."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"


class SeriesKind(StrEnum):
    """What a series counts; the kind decides which way it alarms."""

    LATENCY = "latency"
    ERROR_RATE = "error_rate"
    TRAFFIC = "traffic"
    AVAILABILITY = "availability"
    QUEUE_DEPTH = "queue_depth"
    COST = "cost"
    REVENUE = "revenue"
    SIGN_UPS = "sign_ups"


# Revenue and sign-ups are watched both ways: twice the usual may be customers charged twice, or robots.
WATCHED: Final[dict[SeriesKind, Direction]] = {
    SeriesKind.LATENCY: Direction.UP,
    SeriesKind.ERROR_RATE: Direction.UP,
    SeriesKind.TRAFFIC: Direction.BOTH,
    SeriesKind.AVAILABILITY: Direction.DOWN,
    SeriesKind.QUEUE_DEPTH: Direction.UP,
    SeriesKind.COST: Direction.UP,
    SeriesKind.REVENUE: Direction.BOTH,
    SeriesKind.SIGN_UPS: Direction.BOTH,
}
# Users feel these at once, so an anomaly of the same score is one rank graver.
_FELT: Final = frozenset({SeriesKind.AVAILABILITY, SeriesKind.ERROR_RATE})
# Only these are watched for standing still (`stillness.flat_line`): weeks of no errors are good news, and a fixed
# cost is the same every day.
MOVING: Final = frozenset({SeriesKind.LATENCY, SeriesKind.TRAFFIC})
_RANKS: Final = (Severity.P4, Severity.P3, Severity.P2, Severity.P1)
_STEPS: Final = (6.0, 9.0, 14.0)


def severity_of(kind: SeriesKind, score: float) -> Severity:
    """P4 below a score of 6, P3 below 9, P2 below 14, then P1; a rank graver for errors and availability."""
    rank = sum(score >= step for step in _STEPS) + (kind in _FELT)
    return _RANKS[min(rank, len(_RANKS) - 1)]


def availability(probes: int, failed: int) -> float | None:
    """The share of probes that were answered well, 0 to 1; failed ones count, and None is no probe at all."""
    _check_probes(probes, failed)
    return (probes - failed) / probes if probes else None


def error_rate(probes: int, failed: int) -> float | None:
    """The share of probes that failed, 0 to 1, those without any answer included; None is no probe at all."""
    _check_probes(probes, failed)
    return failed / probes if probes else None


def latency(
    answered_sum_ms: float, answered: int, unanswered: int, timeout_ms: float | None = None
) -> float | None:
    """The mean milliseconds a user waited; None where that is unknown.

    A probe without an answer waited for the whole `timeout_ms`, and leaving it out would make an endpoint
    look faster the more of its users wait in vain. Without a known timeout the wait of the unanswered ones
    cannot be told: then only the answered ones count, and None stands where nothing answered. (Their failure
    shows in the availability and the error rate either way.)
    """
    if answered < 0 or unanswered < 0 or answered_sum_ms < 0:
        raise ValueError(
            f"Latency from {answered} answered ({answered_sum_ms} ms together) and {unanswered} unanswered"
            " probes: none of these may be below 0."
        )
    if timeout_ms is not None and answered + unanswered:
        return (answered_sum_ms + unanswered * timeout_ms) / (answered + unanswered)
    return answered_sum_ms / answered if answered else None


def counter_increase(before: float | None, after: float | None) -> float | None:
    """How much a counter grew between two readings of it; None when either reading is missing.

    A reading below the one before means that the counter began anew at 0 (a restart), so what it shows now is
    what was counted since: the rule of Prometheus' increase(). A counter never yields a negative amount.
    """
    for reading in (before, after):
        if reading is not None and not (isfinite(reading) and reading >= 0):
            raise ValueError(
                f"A counter's reading must be a finite number, 0 or more, and this is {reading}."
            )
    if before is None or after is None:
        return None
    return after if after < before else after - before


def _check_probes(probes: int, failed: int) -> None:
    if not 0 <= failed <= probes:
        raise ValueError(f"{failed} of {probes} probes failed: that cannot be, count them again.")
