"""Raw figures as points of series, severities, directions."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intelligence.domain.series import (
    WATCHED,
    Direction,
    SeriesKind,
    availability,
    counter_increase,
    error_rate,
    latency,
    severity_of,
)


def test_every_kind_has_a_direction() -> None:
    assert set(WATCHED) == set(SeriesKind)
    for kind in (SeriesKind.LATENCY, SeriesKind.ERROR_RATE, SeriesKind.COST):
        assert WATCHED[kind] is Direction.UP
    assert WATCHED[SeriesKind.TRAFFIC] is Direction.BOTH


@pytest.mark.parametrize(
    ("kind", "score", "severity"),
    [
        (SeriesKind.LATENCY, 4.0, "P4"),
        (SeriesKind.LATENCY, 6.0, "P3"),
        (SeriesKind.LATENCY, 9.0, "P2"),
        (SeriesKind.LATENCY, 14.0, "P1"),
        (SeriesKind.AVAILABILITY, 4.0, "P3"),
        (SeriesKind.ERROR_RATE, 9.0, "P1"),
        (SeriesKind.ERROR_RATE, 99.0, "P1"),
    ],
)
def test_severity_grows_with_the_score(kind: SeriesKind, score: float, severity: str) -> None:
    assert severity_of(kind, score) == severity


@pytest.mark.parametrize(
    ("probes", "failed", "up", "errors"),
    [(0, 0, None, None), (4, 0, 1.0, 0.0), (4, 1, 0.75, 0.25), (4, 4, 0.0, 1.0)],
)
def test_failed_probes_take_part(probes: int, failed: int, up: float | None, errors: float | None) -> None:
    assert availability(probes, failed) == up
    assert error_rate(probes, failed) == errors


@pytest.mark.parametrize(("probes", "failed"), [(3, 4), (3, -1)])
def test_impossible_counts_are_refused(probes: int, failed: int) -> None:
    with pytest.raises(ValueError, match=f"{failed} of {probes} probes failed"):
        availability(probes, failed)
    with pytest.raises(ValueError, match="count them again"):
        error_rate(probes, failed)


@pytest.mark.parametrize(
    ("sum_ms", "answered", "unanswered", "timeout", "expected"),
    [
        (300.0, 3, 0, 10_000.0, 100.0),
        (300.0, 3, 1, 10_000.0, 2_575.0),
        (0.0, 0, 2, 10_000.0, 10_000.0),
        (300.0, 3, 1, None, 100.0),
        (0.0, 0, 2, None, None),
        (0.0, 0, 0, 10_000.0, None),
    ],
)
def test_latency_counts_those_who_waited_in_vain(
    sum_ms: float, answered: int, unanswered: int, timeout: float | None, expected: float | None
) -> None:
    assert latency(sum_ms, answered, unanswered, timeout) == expected


def test_negative_latency_is_refused() -> None:
    with pytest.raises(ValueError, match="below 0"):
        latency(-1.0, 3, 0)


@pytest.mark.parametrize(
    ("before", "after", "increase"),
    [(10.0, 15.0, 5.0), (10.0, 10.0, 0.0), (1_000.0, 7.0, 7.0), (None, 7.0, None), (7.0, None, None)],
)
def test_counter_that_began_anew_counts_from_zero(
    before: float | None, after: float | None, increase: float | None
) -> None:
    assert counter_increase(before, after) == increase


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf")])
def test_impossible_counter_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="0 or more"):
        counter_increase(1.0, wrong)


@given(st.lists(st.floats(0, 1e9), min_size=2))
def test_increase_is_never_negative(readings: list[float]) -> None:
    for before, after in pairwise(readings):
        increase = counter_increase(before, after)
        assert increase is not None
        assert increase >= 0
