"""Windows of time and the algebra of their sets."""

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.windows import (
    Window,
    calendar_month,
    intersect,
    subtract,
    total_duration,
    total_seconds,
    union,
)
from tests.monitoring.domain.material import at, span, vector_rows

windows = st.builds(
    lambda start, length: span(start, start + length), st.integers(0, 200), st.integers(1, 40)
)
groups = st.lists(windows, max_size=12)
sets = groups.map(lambda found: union(found))


def moments(spans):
    """The seconds inside a set of whole-second windows: the slow truth that the algebra must match."""
    return {second for second in range(260) if any(window.contains(at(second)) for window in spans)}


def is_normal(spans):
    return all(first.end < second.start for first, second in pairwise(spans))


@pytest.mark.parametrize(
    ("start", "end", "complaint"),
    [
        (datetime(2026, 1, 1), at(5), "without a time zone"),  # noqa: DTZ001 - the refused value itself
        (at(0), at(5).astimezone(timezone(timedelta(hours=1))), "not UTC"),
        (at(5), at(5), "must start before it ends"),
        (at(6), at(5), "must start before it ends"),
    ],
)
def test_window_refuses_what_is_naive_foreign_or_empty(start, end, complaint):
    with pytest.raises(ValueError, match=complaint):
        Window(start, end)


def test_window_turns_a_zone_that_only_looks_like_utc_into_utc():
    london_in_winter = datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/London"))

    window = Window(london_in_winter, london_in_winter + timedelta(hours=1))

    assert window.start.tzinfo is UTC
    assert window.seconds == 3600


def test_window_is_half_open():
    window = span(10, 20)

    assert [window.contains(at(second)) for second in (9, 10, 19, 20)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (span(0, 100), span(10, 20)),
        (span(15, 100), span(15, 20)),
        (span(0, 15), span(10, 15)),
        (span(12, 13), span(12, 13)),
        (span(20, 30), None),
        (span(0, 10), None),
    ],
)
def test_clip_keeps_the_part_inside(limits, expected):
    assert span(10, 20).clip(limits) == expected


def test_trailing_ends_now():
    assert Window.trailing(at(100), timedelta(seconds=30)) == span(70, 100)


def test_trailing_refuses_no_length():
    with pytest.raises(ValueError, match="above zero"):
        Window.trailing(at(0), timedelta(0))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (datetime(2026, 2, 27, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC), [(2, 27), (2, 28), (3, 1)]),
        (datetime(2026, 2, 27, 0, 0, 1, tzinfo=UTC), datetime(2026, 3, 1, 23, tzinfo=UTC), [(2, 28)]),
        (datetime(2026, 2, 27, 9, tzinfo=UTC), datetime(2026, 2, 28, 9, tzinfo=UTC), []),
        (datetime(2026, 2, 27, 9, tzinfo=UTC), datetime(2026, 2, 27, 10, tzinfo=UTC), []),
    ],
)
def test_days_are_the_complete_utc_days(start, end, expected):
    days = Window(start, end).days()

    assert days == tuple(date(2026, month, day) for month, day in expected)
    assert all(Window.utc_day(day).clip(Window(start, end)) == Window.utc_day(day) for day in days)


@pytest.mark.parametrize("row", vector_rows("oneuptime_uptime_and_budget.json", "calendar_month"))
def test_calendar_month_agrees_with_oneuptime(row):
    month = calendar_month(datetime.fromisoformat(row["at"]), ZoneInfo(row["tz"]))

    assert month.seconds == row["seconds"]
    for edge in ("start", "end"):
        if row[edge]:
            assert getattr(month, edge) == datetime.fromisoformat(row[edge])


def test_calendar_month_of_december_ends_in_the_next_year():
    month = calendar_month(datetime(2026, 12, 31, 23, 59, tzinfo=UTC), UTC)

    assert month == Window(datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("given_windows", "expected"),
    [
        ([], ()),
        ([span(5, 6), span(1, 2)], (span(1, 2), span(5, 6))),
        ([span(1, 3), span(3, 5)], (span(1, 5),)),
        ([span(1, 9), span(2, 3)], (span(1, 9),)),
        ([span(1, 4), span(2, 6), span(8, 9)], (span(1, 6), span(8, 9))),
    ],
)
def test_union_merges_what_overlaps_or_touches(given_windows, expected):
    assert union(given_windows) == expected


@given(groups, groups)
def test_union_is_commutative_idempotent_and_normal(left, right):
    both = union(left, right)

    assert both == union(right, left) == union(both) == union(both, left)
    assert is_normal(both)
    assert moments(both) == moments(left) | moments(right)


@given(sets, sets)
def test_intersect_and_subtract_match_sets_of_moments(left, right):
    shared, rest = intersect(left, right), subtract(left, right)

    assert moments(shared) == moments(left) & moments(right)
    assert moments(rest) == moments(left) - moments(right)
    assert is_normal(shared)
    assert is_normal(rest)
    assert shared == intersect(right, left)


@given(sets, sets)
def test_what_is_shared_and_what_is_left_make_the_whole(left, right):
    parts = total_duration(intersect(left, right)) + total_duration(subtract(left, right))

    assert parts == total_duration(left)
    assert total_seconds(left) == len(moments(left))
