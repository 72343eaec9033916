"""What is usual at this time of day."""

import numpy as np
import pytest

from intelligence.domain.seasons import DAY, same_time_of_day

QUARTER = 900.0


def quarters(days: float) -> tuple[list[float], list[float]]:
    """15-minute times from 0 on; each value is its day's number."""
    times = [place * QUARTER for place in range(int(days * 96))]
    return times, [float(time // DAY) for time in times]


def test_nothing_is_usual_before_anything_was_seen() -> None:
    assert same_time_of_day([], [], 0.0) is None


def test_nothing_is_usual_in_the_first_day() -> None:
    times, values = quarters(0.5)

    assert same_time_of_day(times, values, 12 * 3600.0) is None


def test_other_times_of_day_do_not_count() -> None:
    assert same_time_of_day([0.0, DAY / 2 - 1801, DAY / 2 + 1801], [1, 2, 3], 1.5 * DAY) is None


@pytest.mark.parametrize("offset", [-1800.0, 0.0, 1800.0])
def test_half_an_hour_around_counts(offset: float) -> None:
    assert same_time_of_day([0.0, DAY / 2 + offset], [1.0, 7.0], 1.5 * DAY) == 7.0


def test_median_of_an_even_count_is_between() -> None:
    assert same_time_of_day([3600.0, 3600.0 + 60], [1.0, 4.0], 3600.0 + DAY) == 2.5


def test_all_days_count_until_fourteen_are_known() -> None:
    times, values = quarters(10)

    assert same_time_of_day(times, values, 10 * DAY + 7200) == np.median(range(10))


def test_same_weekday_counts_from_fourteen_days_on() -> None:
    times, values = quarters(21)

    assert same_time_of_day(times, values, 21 * DAY + 7200) == np.median([0.0, 7.0, 14.0])


def test_no_more_than_four_weeks_back() -> None:
    times, values = quarters(49)

    assert same_time_of_day(times, values, 49 * DAY + 7200) == np.median([21.0, 28.0, 35.0, 42.0])


def test_sample_itself_is_not_in_its_baseline() -> None:
    times, values = quarters(3)

    usual = same_time_of_day([*times, 3 * DAY], [*values, 1e9], 3 * DAY)

    assert usual == same_time_of_day(times, values, 3 * DAY)
