from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.rollups import Counts, parts_of
from monitoring.domain.windows import Window, total_seconds, union

NOON = datetime(2025, 11, 15, 12, tzinfo=UTC)
instants = st.datetimes(datetime(2025, 11, 1), datetime(2025, 11, 20), timezones=st.just(UTC))  # noqa: DTZ001 - st adds the zone


def window(start_s, end_s):
    return Window(NOON + timedelta(seconds=start_s), NOON + timedelta(seconds=end_s))


@pytest.mark.parametrize(
    ("of", "hours", "minutes", "rows"),
    [
        (window(0, 3600), 3600, 0, 0),
        (window(-1, 3601), 3600, 0, 2),
        (window(-61, 3661), 3600, 120, 2),
        (window(30, 90), 0, 0, 60),
        (window(10, 50), 0, 0, 40),
        (window(30, 150), 0, 60, 60),
        (window(0, 7 * 86400), 7 * 86400, 0, 0),
    ],
)
def test_parts_of_takes_the_largest_rollup_that_fits(of, hours, minutes, rows):
    parts = parts_of(of)

    assert [total_seconds(part) for part in (parts.hours, parts.minutes, parts.rows)] == [
        hours,
        minutes,
        rows,
    ]


@given(start=instants, length=st.timedeltas(timedelta(microseconds=1), timedelta(days=9)))
def test_parts_of_are_the_window_without_overlap(start, length):
    whole = Window(start, start + length)

    parts = parts_of(whole)

    everything = [*parts.hours, *parts.minutes, *parts.rows]
    assert union(everything) == (whole,)
    assert sum(part.seconds for part in everything) == pytest.approx(whole.seconds, abs=1e-6)


def test_counts_know_no_rate_without_observations():
    assert Counts().error_rate is None
    assert Counts().mean_latency_ms is None
    assert (Counts(3, 1, 1, 30.0, 2) + Counts(1, 0, 0, 10.0, 1)).error_rate == 0.25
