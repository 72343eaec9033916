from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.outages import Outage
from monitoring.domain.strips import Stretch, TimeState, strip_of
from monitoring.domain.uptime import EndpointRecord
from monitoring.domain.windows import Window

START = datetime(2025, 11, 11, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = Window(START, START + 24 * HOUR)


def span(first, last):
    return Window(START + first * HOUR, START + last * HOUR)


def outage(first, last):
    """Known to the second: down from `first` to `last`, in hours."""
    begin, end = START + first * HOUR, START + last * HOUR
    return Outage(begin, begin, end, end, confirmed=True)


def shown(record, now=DAY.end, cells=24):
    return [(one.state.value, one.cells) for one in strip_of(DAY, record, now, cells=cells)]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (EndpointRecord("e", ()), [("unknown", 24)]),
        (EndpointRecord("e", (span(0, 24),)), [("up", 24)]),
        (EndpointRecord("e", (span(6, 24),)), [("unknown", 6), ("up", 18)]),
        (EndpointRecord("e", (span(0, 24),), (outage(3, 5),)), [("up", 3), ("down", 2), ("up", 19)]),
        # The gravest wins: a minute of outage makes the hour down, a gap of ten minutes makes it unknown.
        (EndpointRecord("e", (span(0, 24),), (outage(3.2, 3.21),)), [("up", 3), ("down", 1), ("up", 20)]),
        (EndpointRecord("e", (span(0, 4.1), span(4.3, 24))), [("up", 4), ("unknown", 1), ("up", 19)]),
        (
            EndpointRecord("e", (span(0, 24),), (outage(3, 5),), (span(3, 5),)),
            [("up", 3), ("excluded", 2), ("up", 19)],
        ),
        # Nobody looked, so nobody saw it down.
        (EndpointRecord("e", (span(0, 3),), (outage(3, 5),)), [("up", 3), ("unknown", 21)]),
    ],
)
def test_strip_shows_the_gravest_state_of_each_cell(record, expected):
    assert shown(record) == expected


def test_strip_forgives_a_probe_that_is_a_moment_late():
    record = EndpointRecord("e", (span(0, 4), span(4.009, 24)))

    assert shown(record) == [("up", 24)]


def test_strip_knows_nothing_of_the_future():
    record = EndpointRecord("e", (span(0, 24),))

    assert shown(record, now=START + 6 * HOUR) == [("up", 6), ("unknown", 18)]


def test_strip_shows_an_open_outage_until_now():
    begin = START + 20 * HOUR
    record = EndpointRecord("e", (span(0, 24),), (Outage(begin, begin, begin, None, confirmed=True),))

    assert shown(record) == [("up", 20), ("down", 4)]


def test_strip_needs_a_cell():
    with pytest.raises(ValueError, match="at least one cell"):
        strip_of(DAY, EndpointRecord("e", ()), DAY.end, cells=0)


@given(
    st.lists(st.tuples(st.floats(0, 23), st.floats(0.01, 8)), max_size=6),
    st.lists(st.tuples(st.floats(0, 23), st.floats(0.01, 8)), max_size=6),
    st.integers(1, 200),
)
def test_stretches_are_the_window_in_order(spans, outages, cells):
    record = EndpointRecord(
        "e",
        tuple(span(first, first + length) for first, length in spans),
        tuple(outage(first, first + length) for first, length in outages),
    )

    strip = strip_of(DAY, record, DAY.end, cells=cells)

    assert [one.first for one in strip] == [
        sum(before.cells for before in strip[:number]) for number in range(len(strip))
    ]
    assert sum(one.cells for one in strip) == cells
    assert all(one.state is not after.state for one, after in pairwise(strip))
    assert isinstance(strip[0], Stretch)
    assert {one.state for one in strip} <= set(TimeState)
