"""Whether there is a season, and what it is."""

import numpy as np
import pytest

from intelligence.domain.seasonality import is_seasonal, possible_seasons, season_of
from tests.intelligence.domain.test_forecasting import WEEK, weekly


@pytest.mark.parametrize(
    ("series", "length", "seasonal"),
    [
        (weekly(21), 7, True),
        (weekly(20), 7, False),
        (weekly(60), 1, False),
        ([5.0] * 60, 7, False),
        (np.random.default_rng(4).normal(size=200).tolist(), 7, False),
    ],
)
def test_season_needs_three_cycles_and_a_correlation(
    series: list[float], length: int, seasonal: bool
) -> None:
    assert is_seasonal(np.array(series), length) is seasonal


@pytest.mark.parametrize("length", [4, 7])
@pytest.mark.parametrize("multiplicative", [True, False])
def test_removed_season_leaves_the_level(length: int, multiplicative: bool) -> None:
    shape = np.linspace(-2, 2, length)
    series = np.tile(20 + shape, 12)

    season = season_of(series, length, multiplicative=multiplicative)

    assert season.remove(series) == pytest.approx(np.full(12 * length, 20.0))
    assert season.at(length + 1, 2) == pytest.approx(season.effects[1:3])


@pytest.mark.parametrize(("shift", "kinds"), [(0.0, [True, False]), (-50.0, [False]), (-3.0, [False])])
def test_multiplicative_only_where_all_values_are_above_nothing(shift: float, kinds: list[bool]) -> None:
    series = np.array(WEEK * 8) + shift

    assert [season.multiplicative for season in possible_seasons(series, (7,))] == kinds


def test_newest_cycles_count_most() -> None:
    series = np.array([*([1.0, 3.0] * 20), *([3.0, 1.0] * 20)])

    season = season_of(series, 2, multiplicative=False)

    assert season.effects == pytest.approx((1.0, -1.0), abs=0.1)


def test_cycles_are_those_that_count_and_no_more_than_there_are() -> None:
    few = season_of(np.array(WEEK * 3), 7, multiplicative=False)
    many = season_of(np.array(WEEK * 200), 7, multiplicative=False)

    assert 1 < few.cycles < 3
    assert 5 < many.cycles < 7


def test_effects_change_no_total() -> None:
    series = np.array(weekly(70, noise=2.0, growth=0.5))

    added = season_of(series, 7, multiplicative=False)
    multiplied = season_of(series, 7, multiplicative=True)

    assert sum(added.effects) == pytest.approx(0.0, abs=1e-9)
    assert sum(multiplied.effects) == pytest.approx(7.0)
