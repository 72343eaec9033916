"""From probes to outages with bounds, and the spans in which anything was observed."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.outages import (
    Observation,
    Trail,
    extend_span,
    extend_spans,
    find_outages,
    observed_spans,
)
from monitoring.domain.windows import Window, intersect, total_seconds, union
from tests.monitoring.domain.material import at, exact, outage, probe, probes, span

HOLD = timedelta(seconds=75)


@st.composite
def observations(draw):
    """Probes at odd moments, some overlapping, some at one instant, with gaps above and below the hold."""
    starts = draw(st.lists(st.integers(0, 1500), max_size=25))
    return [probe(start, draw(st.booleans()), took=draw(st.sampled_from([0, 1, 12]))) for start in starts]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ("", []),
        ("+++", []),
        ("+-+", [outage(0, 30, 30, 60, confirmed=False)]),
        ("+--+", [outage(0, 30, 60, 90)]),
        ("--+", [outage(None, 0, 30, 60)]),
        ("+--", [outage(0, 30, 60, None)]),
        ("+-", [outage(0, 30, 30, None)]),
        ("-", [outage(None, 0, 0, None)]),
        ("+-+--+", [outage(0, 30, 30, 60, confirmed=False), outage(60, 90, 120, 150)]),
        # Probes at 0, 150 and 180: the hold ends at 75, so 75 s before the failures are unknown.
        ("+    --+", [outage(0, 150, 180, 210)]),
        # Failures on both sides of a gap of 150 s, half of it beyond the hold: it may have been up in there.
        ("+-    -+", [outage(0, 30, 180, 210, unseen=75)]),
        ("+-  -+", [outage(0, 30, 120, 150, unseen=15)]),
    ],
)
def test_find_outages_gives_the_four_instants(states, expected):
    assert list(find_outages(probes(states), hold=HOLD)) == expected


def test_find_outages_takes_the_outer_ends_of_the_good_probes_and_the_inner_of_the_bad():
    found = find_outages(
        [
            probe(0, True, took=1),
            probe(30, False, took=10),
            probe(45, False, took=10),
            probe(60, True, took=2),
        ],
        hold=HOLD,
    )

    assert found == (outage(0, 40, 45, 62),)
    assert (found[0].min_s, found[0].likely_s(at(99)), found[0].max_s(at(99))) == (5, 33.5, 62)


def test_find_outages_survives_a_slow_failure_that_answers_after_a_quick_recovery():
    found = find_outages([probe(0, True), probe(30, False, took=20), probe(35, True, took=1)], hold=HOLD)

    assert found == (outage(0, 50, 30, 50, confirmed=False),)


def test_find_outages_dates_the_first_bad_by_the_failure_that_answered_first():
    found = find_outages([probe(0, True), probe(30, False, took=20), probe(35, False, took=1)], hold=HOLD)

    assert found == (outage(0, 36, 35, None),)


@given(observations(), st.randoms(use_true_random=False))
def test_order_of_observations_does_not_matter(found, random):
    shuffled = random.sample(found, len(found))

    assert find_outages(shuffled, hold=HOLD) == find_outages(found, hold=HOLD)
    assert observed_spans(shuffled, hold=HOLD) == observed_spans(found, hold=HOLD)


@given(observations())
def test_readings_of_every_outage_lie_inside_one_another(found):
    now = at(2000)

    for each in find_outages(found, hold=HOLD):
        low, likely, high = each.low(), each.likely(now), each.high(now, each.first_bad_at)

        assert each.min_s <= each.likely_s(now)
        assert each.likely_s(now) <= (each.max_s(now) or float("inf"))
        assert union(filter(None, (low, likely))) == ((likely,) if likely else ())
        assert union(filter(None, (likely, high))) == ((high,) if high else ())


@given(observations())
def test_time_surely_down_is_the_observed_part_of_the_low_reading(found):
    spans = observed_spans(found, hold=HOLD)

    for each in find_outages(found, hold=HOLD):
        low = union(filter(None, (each.low(),)))

        assert total_seconds(intersect(low, spans)) == each.min_s


@given(
    st.lists(st.integers(200, 900), min_size=2, max_size=8),
    st.lists(st.tuples(st.integers(1, 40), st.integers(0, 20), st.floats(0, 1)), min_size=5, max_size=120),
)
def test_bounds_hold_the_true_outage(lengths, schedule):
    """A platform that is up and down in turns, probed one probe at a time, each seeing one instant of it."""
    edges = [sum(lengths[:count]) for count in range(len(lengths) + 1)]
    truly_down = list(zip(edges[1::2], edges[2::2], strict=False))
    seen, second = [], 0
    for wait, took, share in schedule:
        second += wait
        instant = second + took * share
        seen.append(probe(second, not any(start <= instant < end for start, end in truly_down), took))
        second += took

    for each in find_outages(seen, hold=HOLD):
        true = [(a, b) for a, b in truly_down if at(a) <= each.first_bad_at and at(b) >= each.last_bad_at]
        assert len(true) == 1
        start, end = true[0]
        if each.last_good_at and each.first_good_at:
            assert each.last_good_at <= at(start)
            assert at(end) <= each.first_good_at
            assert each.min_s <= end - start <= each.max_s(at(second))


@pytest.mark.parametrize(
    ("each", "minimum", "likely", "maximum"),
    [
        (outage(0, 30, 90, 120), 60, 90, 120),
        (outage(0, 30, 30, 60, confirmed=False), 0, 0, 60),
        (outage(0, 40, 30, 60), 0, 25, 60),
        (outage(0, 30, 90, None), 60, 985, 1000),
        (outage(None, 30, 90, 120), 60, 75, None),
        (outage(None, 30, 90, None), 60, 970, None),
        (outage(0, 30, 330, 360, unseen=200), 100, 330, 360),
        (exact(10, 20), 10, 10, 10),
    ],
)
def test_lengths_of_an_outage(each, minimum, likely, maximum):
    assert (each.min_s, each.likely_s(at(1000)), each.max_s(at(1000))) == (minimum, likely, maximum)


def test_blip_is_down_in_the_high_reading_only():
    blip = outage(0, 30, 30, 60, confirmed=False)

    assert blip.is_blip
    assert (blip.low(), blip.likely(at(99)), blip.high(at(99), at(0))) == (None, None, span(0, 60))


def test_open_outage_is_no_blip_before_its_confirmation():
    pending = outage(0, 30, 30, None, confirmed=False)

    assert pending.is_open
    assert not pending.is_blip
    assert pending.likely(at(60)) == span(15, 60)


def test_high_reading_without_a_good_probe_before_starts_where_observation_did():
    assert outage(None, 30, 60, 90).high(at(99), since=at(20)) == span(20, 90)


@pytest.mark.parametrize(
    ("instants", "complaint"),
    [
        ((40, 30, 60, 90), "last_good_at .* inside the outage"),
        ((0, 30, 60, 50), "first_good_at .* inside the outage"),
        ((0, 60, 30, 50), "first_good_at .* inside the outage"),
    ],
)
def test_outage_refuses_instants_out_of_order(instants, complaint):
    with pytest.raises(ValueError, match=complaint):
        outage(*instants)


def test_observation_refuses_to_end_before_it_starts_and_to_be_naive():
    with pytest.raises(ValueError, match="check the clock"):
        Observation(at(1), at(0), True)
    with pytest.raises(ValueError, match="without a time zone"):
        Observation(datetime(2026, 1, 1), at(0), True)  # noqa: DTZ001 - the refused value itself


@pytest.mark.parametrize("call", [find_outages, observed_spans])
def test_hold_must_be_above_zero(call):
    with pytest.raises(ValueError, match="hold is"):
        call(probes("+"), hold=timedelta(0))


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ("", []),
        ("+", [span(0, 75)]),
        ("+-+", [span(0, 135)]),
        ("+  +", [span(0, 75), span(90, 165)]),
    ],
)
def test_observed_spans_reach_one_hold_past_each_probe(states, expected):
    assert list(observed_spans(probes(states), hold=HOLD)) == expected


def test_spans_exactly_one_hold_apart_are_one():
    assert observed_spans([probe(0, True), probe(75, True)], hold=HOLD) == (span(0, 150),)


@given(observations())
def test_incremental_spans_equal_the_batch(found):
    rows: list[Window] = []
    for observation in sorted(found, key=lambda observation: observation.started_at):
        grown, is_new = extend_span(rows[-1] if rows else None, observation, hold=HOLD)
        rows[len(rows) if is_new else -1 :] = [grown]

    assert tuple(rows) == observed_spans(found, hold=HOLD)


@given(observations(), st.integers(0, 25))
def test_late_batches_of_spans_equal_the_whole(found, cut):
    spans = extend_spans((), found[cut:], hold=HOLD)

    assert extend_spans(spans, found[:cut], hold=HOLD) == observed_spans(found, hold=HOLD)


def test_extend_span_refuses_a_late_observation():
    with pytest.raises(ValueError, match="extend_spans"):
        extend_span(span(100, 200), probe(99, True), hold=HOLD)


@given(observations())
def test_trail_one_by_one_finds_what_the_batch_finds(found):
    ordered = sorted(found, key=lambda each: (each.started_at, each.ended_at, each.ok))
    trail, closed = Trail(), []
    for observation in ordered:
        trail, ended = trail.advance(observation, hold=HOLD)
        closed += [ended] if ended else []

    batch = find_outages(found, hold=HOLD)
    assert tuple(closed) == tuple(each for each in batch if not each.is_open)
    assert (trail.outage is not None) == any(each.is_open for each in batch)
