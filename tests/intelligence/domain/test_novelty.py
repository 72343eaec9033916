"""Distances to the nearest number seen, and how surprising they are."""

from math import log10

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intelligence.domain.novelty import Feature, OrderedHistory, tail_surprise

NUMBERS = st.floats(min_value=-1e6, max_value=1e6)


@pytest.mark.parametrize(
    ("seen", "number", "distance"),
    [
        ([5.0], 5.0, 0.0),
        ([5.0], 7.0, 2.0),
        ([1.0, 9.0], 4.0, 3.0),
        ([1.0, 9.0], 8.0, 1.0),
        ([1.0, 9.0], -2.0, 3.0),
    ],
)
def test_distance_is_to_the_nearest(seen: list[float], number: float, distance: float) -> None:
    assert OrderedHistory(10, seen).distance(number) == distance


@given(st.lists(NUMBERS, min_size=1, max_size=60), st.integers(1, 20))
def test_history_is_the_newest_numbers_in_both_orders(numbers: list[float], limit: int) -> None:
    history = OrderedHistory(limit)

    for number in numbers:
        history.add(number)

    newest = numbers[-limit:]
    assert history.in_order_of_arrival().tolist() == newest
    assert history.ordered.tolist() == sorted(newest)
    assert len(history) == len(newest)
    assert history.median() == sorted(newest)[len(newest) // 2]


@given(st.lists(NUMBERS, min_size=1, max_size=40), NUMBERS)
def test_distance_is_that_of_searching_all(numbers: list[float], number: float) -> None:
    assert OrderedHistory(100, numbers).distance(number) == min(abs(number - other) for other in numbers)


def test_surprise_below_the_tail_is_counted() -> None:
    novelties = [float(n) for n in range(1, 101)]

    surprise = tail_surprise(novelties, 51.0)

    assert surprise == pytest.approx(log10(101 / 51))


def test_surprise_of_an_exponential_tail_is_its_probability() -> None:
    novelties = sorted(np.random.default_rng(1).exponential(1.0, 20_000).tolist())

    surprise = tail_surprise(novelties, 10.0)

    assert surprise == pytest.approx(10.0 / np.log(10), rel=0.15)


def test_heavy_tail_is_surprised_far_less_than_a_light_one() -> None:
    random = np.random.default_rng(2)
    heavy = sorted(random.pareto(0.7, 5_000).tolist())
    light = sorted(random.exponential(1.0, 5_000).tolist())

    surprises = [tail_surprise(tail, 100 * tail[-1]) for tail in (heavy, light)]

    assert 5 < surprises[0] < 10
    assert surprises[1] > 50


@pytest.mark.parametrize("novelty", [0.001, 1.0, 1e9])
def test_without_a_tail_surprise_is_one_in_all(novelty: float) -> None:
    assert tail_surprise([0.0] * 99, novelty) == pytest.approx(2.0)


def test_one_exceedance_alone_is_a_tail() -> None:
    surprise = tail_surprise([0.0] * 98 + [1.0], 1000.0)

    assert surprise > 100


@given(st.lists(st.floats(0, 1e6), min_size=50, max_size=80), st.floats(0, 1e7), st.floats(0, 1e7))
def test_surprise_is_never_negative_and_rises_in_the_tail(
    novelties: list[float], one: float, other: float
) -> None:
    ordered = sorted(novelties)
    threshold = ordered[len(ordered) - 21]
    near, far = sorted([one, other])

    surprises = tail_surprise(ordered, near), tail_surprise(ordered, far)

    assert min(surprises) >= 0
    if near > threshold:
        assert surprises[0] <= surprises[1] + 1e-9


def test_feature_learns_before_it_judges() -> None:
    feature = Feature(1000)
    numbers = np.random.default_rng(3).normal(size=82).tolist()

    judged = [feature.learn(number) for number in numbers]

    assert judged[:80] == [None] * 80
    assert judged[80] is not None
    assert len(feature.novelties) == 52
