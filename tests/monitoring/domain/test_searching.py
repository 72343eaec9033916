from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.searching import HOUR, slices

NOON = datetime(2025, 11, 15, 12, tzinfo=UTC)
HOURS = st.lists(st.integers(0, 30).map(lambda n: NOON + n * HOUR), max_size=8)
MOMENTS = st.none() | st.integers(-3600, 32 * 3600).map(lambda s: NOON + timedelta(seconds=s))


def test_slices_of_an_hour_grow_with_their_age():
    found = slices([NOON], start=None, stop=None)

    assert [(newer - older).total_seconds() for older, newer in found] == [2, 8, 50, 240, 900, 2400]


def test_slices_end_at_stop_and_begin_at_start():
    start, stop = NOON + timedelta(minutes=10), NOON + timedelta(minutes=10, seconds=5)

    assert slices([NOON], start=start, stop=stop) == [
        (stop - timedelta(seconds=2), stop),
        (start, stop - timedelta(seconds=2)),
    ]


@given(HOURS, MOMENTS, MOMENTS)
def test_slices_are_the_hours_inside_the_bounds_newest_first(hours, start, stop):
    found = slices(hours, start=start, stop=stop)

    assert all(older < newer for older, newer in found)
    assert all(later[0] >= earlier[1] for later, earlier in pairwise(found))
    for hour in set(hours):
        low, high = max(hour, start or hour), min(hour + HOUR, stop or hour + HOUR)
        covered = sum(
            (min(newer, high) - max(older, low)).total_seconds()
            for older, newer in found
            if older < high and newer > low
        )
        assert covered == max(0.0, (high - low).total_seconds())
