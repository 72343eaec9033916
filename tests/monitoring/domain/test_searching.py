from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.searching import HOUR, slices

NOON = datetime(2025, 11, 15, 12, tzinfo=UTC)
HOURS = st.dictionaries(st.integers(0, 30).map(lambda n: NOON + n * HOUR), st.integers(0, 10**6), max_size=8)
MOMENTS = st.none() | st.integers(-3600, 32 * 3600).map(lambda s: NOON + timedelta(seconds=s))


def lengths(found):
    return [(newer - older).total_seconds() for older, newer in found]


def test_a_quiet_hour_is_one_slice():
    assert lengths(slices({NOON: 50}, wanted=50)) == [3600]


def test_slices_of_a_busy_hour_begin_with_what_is_wanted_twice_and_grow():
    assert lengths(slices({NOON: 3600}, wanted=50)) == [100, 300, 1200, 2000]


def test_the_running_hour_is_cut_now():
    now = NOON + timedelta(minutes=10)

    found = slices({NOON: 600}, wanted=50, now=now)

    assert found[0] == (now, NOON + HOUR)
    assert lengths(found) == [3000, 100, 300, 200]


def test_slices_end_at_stop_and_begin_at_start():
    start, stop = NOON + timedelta(minutes=10), NOON + timedelta(minutes=12)

    found = slices({NOON: 3600}, wanted=50, start=start, stop=stop)

    assert found == [(stop - timedelta(seconds=100), stop), (start, stop - timedelta(seconds=100))]


@given(HOURS, st.integers(1, 201), MOMENTS, MOMENTS, MOMENTS)
def test_slices_are_the_hours_inside_the_bounds_newest_first(hours, wanted, start, stop, now):
    found = slices(hours, wanted=wanted, start=start, stop=stop, now=now)

    assert all(older < newer for older, newer in found)
    assert all(later[0] >= earlier[1] for later, earlier in pairwise(found))
    assert len(found) <= 14 * len(hours)
    for hour in hours:
        low, high = max(hour, start or hour), min(hour + HOUR, stop or hour + HOUR)
        covered = sum(
            (min(newer, high) - max(older, low)).total_seconds()
            for older, newer in found
            if older < high and newer > low
        )
        assert round(covered, 3) == max(0.0, (high - low).total_seconds())
