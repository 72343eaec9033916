"""Anomalies in words."""

import pytest

from intelligence.domain.detectors import Detector
from intelligence.domain.explaining import explain
from intelligence.domain.series import Direction
from tests.intelligence.domain.test_detectors import daily, feed


@pytest.mark.parametrize(
    ("watched", "known", "value", "words"),
    [
        (Direction.BOTH, 0, None, ["no data at 2025-11-03"]),
        (Direction.BOTH, 0, 5.0, ["Latency is 5; 0 points are known, too few"]),
        (Direction.BOTH, 90, 500.0, ["usual so far", "No value near it was ever seen", "against 90 points"]),
        (
            Direction.BOTH,
            960,
            500.0,
            ["where about 100", "usual at this time of day", "alert from 4.0 (level "],
        ),
        (Direction.UP, 960, 0.0, ["no term in the watched direction"]),
    ],
)
def test_explanation_says_what_and_why(
    watched: Direction, known: int, value: float | None, words: list[str]
) -> None:
    detector = Detector(watched)
    feed(detector, daily(known))
    [reading] = feed(detector, [value], first=known)

    told = explain("Latency", reading)

    for word in words:
        assert word in told
