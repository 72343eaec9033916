"""Every moment of a window is up, down, excluded or unknown."""

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.outages import find_outages, observed_spans
from monitoring.domain.uptime import Band, EndpointRecord, format_percent, measure
from monitoring.domain.windows import Window, union
from tests.monitoring.domain.material import at, exact, outage, probe, span

HOLD = timedelta(seconds=75)
DAY = span(0, 1000)
LATER = at(5000)


def record(*outages, seen=((0, 1000),), excluded=(), since=None):
    return EndpointRecord(
        "endpoint",
        tuple(span(*pair) for pair in seen),
        tuple(outages),
        tuple(span(*pair) for pair in excluded),
        None if since is None else at(since),
    )


def spent(uptime):
    """Up, down (both as likely), excluded and unknown seconds."""
    return uptime.up_s.likely, uptime.down_s.likely, uptime.excluded_s, uptime.unknown_s


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        pytest.param([], (0, 0, 0, 1000), id="no endpoint, nothing known"),
        pytest.param([record(seen=())], (0, 0, 0, 1000), id="never observed"),
        pytest.param([record()], (1000, 0, 0, 0), id="always up"),
        pytest.param([record(exact(100, 300))], (800, 200, 0, 0), id="one outage"),
        pytest.param([record(exact(-500, 300))], (700, 300, 0, 0), id="clipped at the start"),
        pytest.param([record(exact(900, 1200))], (900, 100, 0, 0), id="clipped at the end"),
        pytest.param([record(exact(1000, 1200), exact(-9, 0))], (1000, 0, 0, 0), id="touching the edges"),
        pytest.param([record(exact(0, 500)), record(exact(400, 600))], (400, 600, 0, 0), id="union, no sum"),
        pytest.param([record(seen=[(0, 400)])], (400, 0, 0, 600), id="unobserved is unknown"),
        pytest.param(
            [record(exact(300, 500), seen=[(0, 400)])], (300, 100, 0, 600), id="unobserved is not down"
        ),
        pytest.param(
            [record(outage(100, 100, 900, 900, unseen=400), seen=[(0, 300), (700, 1000)])],
            (200, 400, 0, 400),
            id="a gap inside an outage is unknown",
        ),
        pytest.param([record(), record(seen=[(0, 400)])], (400, 0, 0, 600), id="one unknown, all unknown"),
        pytest.param(
            [record(exact(500, 600)), record(seen=[(0, 400)])], (400, 100, 0, 500), id="but down wins"
        ),
        pytest.param([record(excluded=[(0, 1000)])], (0, 0, 1000, 0), id="only maintenance"),
        pytest.param([record(excluded=[(0, 400)])], (600, 0, 400, 0), id="some maintenance"),
        pytest.param([record(exact(0, 500), excluded=[(0, 400)])], (500, 100, 400, 0), id="maintenance wins"),
        pytest.param([record(seen=(), excluded=[(0, 400)])], (0, 0, 400, 600), id="unobserved maintenance"),
        pytest.param([record(), record(excluded=[(0, 400)])], (1000, 0, 0, 0), id="of one endpoint only"),
        pytest.param(
            [record(excluded=[(0, 400)]), record(excluded=[(300, 600)])],
            (900, 0, 100, 0),
            id="of both at once",
        ),
        pytest.param(
            [record(exact(0, 500)), record(excluded=[(0, 1000)])],
            (500, 500, 0, 0),
            id="of the other, while down",
        ),
        pytest.param(
            [record(), record(seen=[(600, 1000)], since=600)], (1000, 0, 0, 0), id="a young endpoint"
        ),
        pytest.param(
            [record(exact(0, 700), since=600)], (300, 100, 0, 600), id="nobody counts before its time"
        ),
        pytest.param(
            [record(excluded=[(0, 500)]), record(since=300)],
            (700, 0, 300, 0),
            id="excluded before the other came",
        ),
        pytest.param([record(), record(since=4000)], (1000, 0, 0, 0), id="an endpoint still to come"),
    ],
)
def test_measure_gives_every_moment_one_state(records, expected):
    assert spent(measure(DAY, records, LATER)) == expected


def test_measure_counts_the_time_after_now_as_unknown():
    uptime = measure(DAY, [record(exact(100, 300), excluded=[(500, 900)])], at(600))

    assert spent(uptime) == (300, 200, 100, 400)
    assert uptime.coverage == 0.6


@pytest.mark.parametrize("now", [at(0), at(-60)])
def test_measure_of_a_window_to_come_is_no_data(now):
    uptime = measure(DAY, [record()], now)

    assert (uptime.uptime, uptime.coverage, uptime.unknown_s) == (None, 0, 1000)


def test_measure_of_maintenance_alone_is_no_data_with_full_coverage():
    uptime = measure(DAY, [record(excluded=[(0, 1000)])], LATER)

    assert (uptime.uptime, uptime.coverage) == (None, 1)


def test_readings_differ_by_the_edges_of_outages_and_by_blips():
    blip = outage(800, 830, 830, 860, confirmed=False)

    uptime = measure(DAY, [record(outage(90, 110, 290, 310), blip)], LATER)

    assert uptime.down_s == Band(180, 200, 280)
    assert uptime.up_s == Band(720, 800, 820)
    assert uptime.uptime == Band(0.72, 0.8, 0.82)


@pytest.mark.parametrize(("now", "expected"), [(at(700), Band(100, 215, 230)), (LATER, Band(100, 515, 530))])
def test_open_outage_lasts_until_now(now, expected):
    uptime = measure(DAY, [record(outage(470, 500, 600, None))], now)

    assert uptime.down_s == expected


def test_open_outage_does_not_reach_into_unobserved_time():
    uptime = measure(DAY, [record(outage(470, 500, 600, None), seen=[(0, 675)])], LATER)

    assert uptime.down_s == Band(100, 190, 205)
    assert uptime.unknown_s == 325


def test_outage_without_a_good_probe_before_is_possible_since_observation_began():
    uptime = measure(DAY, [record(outage(None, 300, 400, 400), seen=[(0, 100), (290, 1000)])], LATER)

    assert uptime.down_s == Band(100, 100, 110)


def test_possible_downtime_is_not_counted_where_another_endpoint_is_unknown():
    """The edges of an outage are no knowledge: only what is surely down outweighs the unknown."""
    edges = record(outage(100, 200, 300, 400))

    uptime = measure(DAY, [edges, record(seen=[(250, 1000)])], LATER)

    assert uptime.down_s == Band(100, 150, 200)
    assert uptime.unknown_s == 200


def test_band_must_rise():
    with pytest.raises(ValueError, match="a band must rise"):
        Band(2, 1, 3)


pairs = st.tuples(st.integers(-50, 1050), st.integers(1, 300)).map(lambda pair: span(pair[0], sum(pair)))
outages = st.builds(
    lambda start, steps, known, still, confirmed: outage(
        start if known else None,
        start + steps[0],
        start + steps[0] + steps[1],
        None if still else start + sum(steps),
        confirmed=confirmed,
    ),
    st.integers(-50, 1050),
    st.tuples(*[st.integers(0, 90)] * 3),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
endpoints = st.builds(
    EndpointRecord,
    st.just("endpoint"),
    st.lists(pairs, max_size=4).map(lambda found: union(found)),
    st.lists(outages, max_size=4).map(tuple),
    st.lists(pairs, max_size=2).map(tuple),
    st.none() | st.integers(0, 1000).map(at),
)
platforms = st.lists(endpoints, max_size=4)
clocks = st.integers(-10, 1200).map(at)


@given(platforms, clocks)
def test_up_down_excluded_and_unknown_make_the_window(records, now):
    uptime = measure(DAY, records, now)

    known_otherwise = uptime.excluded_s + uptime.unknown_s
    assert uptime.up_s.low + uptime.down_s.high + known_otherwise == uptime.window_s
    assert uptime.up_s.likely + uptime.down_s.likely + known_otherwise == uptime.window_s
    assert uptime.up_s.high + uptime.down_s.low + known_otherwise == uptime.window_s
    assert 0 <= uptime.coverage <= 1
    assert (uptime.uptime is None) == (uptime.up_s.high + uptime.down_s.low == 0)


@given(platforms, clocks, st.integers(1, 999))
def test_parts_of_a_window_sum_to_the_whole(records, now, cut):
    whole = measure(DAY, records, now)
    parts = [measure(window, records, now) for window in (span(0, cut), span(cut, 1000))]

    for reading in ("low", "likely", "high"):
        for name in ("up_s", "down_s"):
            total = sum(getattr(getattr(part, name), reading) for part in parts)
            assert total == pytest.approx(getattr(getattr(whole, name), reading), abs=1e-6)
    assert sum(part.excluded_s for part in parts) == whole.excluded_s
    assert sum(part.unknown_s for part in parts) == whole.unknown_s


@given(platforms.filter(bool), outages, clocks, st.integers(0, 3))
def test_another_outage_never_raises_uptime(records, extra, now, place):
    before = measure(DAY, records, now)
    worse = records[place % len(records)]
    records[place % len(records)] = EndpointRecord(
        worse.key, worse.spans, (*worse.outages, extra), worse.excluded, worse.since
    )

    after = measure(DAY, records, now)

    if before.uptime is None:
        assert after.uptime is None or after.uptime.high == 0
    else:
        assert after.uptime is not None
        assert after.uptime.low <= before.uptime.low
        assert after.uptime.likely <= before.uptime.likely
        assert after.uptime.high <= before.uptime.high


@given(platforms, clocks, st.randoms(use_true_random=False))
def test_order_of_endpoints_outages_and_spans_does_not_matter(records, now, random):
    shuffled = [
        EndpointRecord(
            each.key,
            tuple(random.sample(each.spans, len(each.spans))),
            tuple(random.sample(each.outages, len(each.outages))),
            tuple(random.sample(each.excluded, len(each.excluded))),
            each.since,
        )
        for each in random.sample(records, len(records))
    ]

    assert measure(DAY, shuffled, now) == measure(DAY, records, now)


@given(st.lists(st.tuples(st.integers(0, 1000), st.booleans()), max_size=30), st.data())
def test_deleting_observations_never_raises_coverage(schedule, data):
    kept = [each for each in schedule if data.draw(st.booleans())]

    def coverage(found):
        observed = [probe(second, ok) for second, ok in found]
        made = EndpointRecord(
            "endpoint", observed_spans(observed, hold=HOLD), find_outages(observed, hold=HOLD)
        )
        return measure(DAY, [made], LATER).coverage

    assert coverage(kept) <= coverage(schedule)


@pytest.mark.parametrize(
    ("ratio", "places", "shown"),
    [
        (0.9998, 2, "99.98"),
        (0.99979, 2, "99.97"),
        (0.99979999, 2, "99.97"),
        (0.99999, 2, "99.99"),
        (0.9999999999999999, 2, "99.99"),
        (1.0, 2, "100.00"),
        (1, 0, "100"),
        (0.999, 0, "99"),
        (0.9998, 0, "99"),
        (0.29, 0, "29"),
        (0.57, 1, "57.0"),
        (0.0, 2, "0.00"),
        (1 - 0.0002, 2, "99.98"),
        (0.1 + 0.7, 0, "80"),
        (0.99555199, 3, "99.555"),
        (-1.314814814815, 2, "-131.49"),
        (0.00001, 3, "0.001"),
        (None, 2, "NO DATA"),
    ],
)
def test_format_percent_floors_the_meant_decimal(ratio, places, shown):
    assert format_percent(ratio, places) == shown


@given(st.integers(0, 604_800_000_000))
def test_format_percent_of_a_week_is_the_floor_of_the_exact_fraction(up_us):
    """Every possible uptime of seven days, to the microsecond, as `measure` divides it."""
    exact_percent = Fraction(up_us, 604_800_000_000) * 100

    shown = format_percent(up_us / 604_800_000_000)

    assert Fraction(shown) == Fraction(int(exact_percent * 100), 100)


@pytest.mark.parametrize("ratio", [float("nan"), float("inf")])
def test_format_percent_refuses_what_is_no_number(ratio):
    with pytest.raises(ValueError, match="not a ratio"):
        format_percent(ratio)


def test_measure_takes_a_week_of_a_hundred_endpoints():
    week = span(0, 604_800)
    records = [
        EndpointRecord(
            str(number),
            (Window(week.start, week.end),),
            tuple(
                outage(start, start + 5, start + 60, start + 66)
                for start in range(number * 50, 600_000, 60_000)
            ),
        )
        for number in range(100)
    ]

    uptime = measure(week, records, LATER + timedelta(days=7))

    assert sum(len(each.outages) for each in records) >= 1000
    assert uptime.coverage == 1
    assert uptime.down_s.low > 0
