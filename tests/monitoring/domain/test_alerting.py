from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.alerting import (
    BadTerms,
    Change,
    Comparison,
    Mute,
    Phase,
    Sample,
    Terms,
    Track,
    acknowledge,
    advance,
    close,
    muted_by,
)
from tests.monitoring.domain.material import vector_rows

NOON = datetime(2025, 11, 15, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def run(terms, values, step=MINUTE):
    """The changes that a series of values brings, as (minute, change)."""
    track, changes = Track(), []
    for number, value in enumerate(values):
        track, change = advance(track, Sample(NOON + step * number, value), terms)
        if change:
            changes.append((number, change.value))
    return changes


@pytest.mark.parametrize(
    ("terms", "values", "changes"),
    [
        (Terms(Comparison.ABOVE, 5), [5, 5.1, 9, 5], [(1, "fired"), (3, "resolved")]),
        (Terms(Comparison.AT_LEAST, 1), [0, 1, 1, 0], [(1, "fired"), (3, "resolved")]),
        (Terms(Comparison.BELOW, 14, clear=15), [14, 13, 14, 14.9, 15], [(1, "fired"), (4, "resolved")]),
        (Terms(Comparison.AT_MOST, 20, clear=25), [20.1, 20, 24.9, 25], [(1, "fired"), (3, "resolved")]),
        # Hysteresis: between the two thresholds an alert stays as it is, on either side.
        (Terms(Comparison.ABOVE, 5, clear=3), [4, 6, 4, 4, 3], [(1, "fired"), (4, "resolved")]),
        # `for`: the breach must not be interrupted, not even by a moment of which nothing is known.
        (Terms(Comparison.ABOVE, 5, hold=2 * MINUTE), [6, 6, 6, 0], [(2, "fired"), (3, "resolved")]),
        (Terms(Comparison.ABOVE, 5, hold=2 * MINUTE), [6, 6, 0, 6, 6], []),
        (Terms(Comparison.ABOVE, 5, hold=2 * MINUTE), [6, 6, None, 6, 6], []),
        # No data neither fires nor clears.
        (Terms(Comparison.ABOVE, 5), [None, 6, None, None, 0], [(1, "fired"), (4, "resolved")]),
        # Cool-down: the next one is held back, not dropped.
        (
            Terms(Comparison.ABOVE, 5, cool_down=3 * MINUTE),
            [6, 0, 6, 6, 6, 6],
            [(0, "fired"), (1, "resolved"), (4, "fired")],
        ),
        # x times in y minutes, coming and going; over when there are fewer again.
        (
            Terms(Comparison.ABOVE, 5, occurrences=3, within=5 * MINUTE),
            [6, 0, 6, 0, 6, 0, 0, 0],
            [(4, "fired"), (6, "resolved")],
        ),
        (Terms(Comparison.ABOVE, 5, occurrences=3, within=MINUTE), [6, 0, 6, 0, 6, 0, 6], []),
        (
            Terms(Comparison.ABOVE, 5, remind_every=2 * MINUTE),
            [6] * 6,
            [(0, "fired"), (2, "reminder"), (4, "reminder")],
        ),
    ],
)
def test_advance_fires_and_resolves(terms, values, changes):
    assert run(terms, values) == changes


def test_advance_counts_the_breaches_that_the_source_knows_one_by_one():
    terms = Terms(Comparison.AT_LEAST, 1, occurrences=3, within=10 * MINUTE)
    failures = tuple(NOON + timedelta(seconds=s) for s in (0, 20, 40))

    track, change = advance(Track(), Sample(NOON + MINUTE, 0, failures), terms)

    assert change is Change.FIRED
    assert track.breached_since == failures[0]


def test_advance_does_not_count_the_same_breach_twice():
    terms = Terms(Comparison.AT_LEAST, 1, occurrences=3, within=10 * MINUTE)
    track = Track()

    for minute in range(5):
        track, change = advance(track, Sample(NOON + minute * MINUTE, 0, (NOON, NOON + MINUTE)), terms)
        assert change is None


def test_advance_leaves_a_reading_from_before_the_last_one_aside():
    track, _ = advance(Track(), Sample(NOON, 6), Terms(Comparison.ABOVE, 5))

    later, change = advance(track, Sample(NOON - MINUTE, 0), Terms(Comparison.ABOVE, 5))

    assert (later, change) == (track, None)


def test_acknowledge_ends_the_reminders():
    terms = Terms(Comparison.ABOVE, 5, remind_every=MINUTE)
    track, _ = advance(Track(), Sample(NOON, 6), terms)

    track, change = advance(acknowledge(track), Sample(NOON + 5 * MINUTE, 6), terms)

    assert change is None
    assert track.phase is Phase.FIRING


def test_acknowledge_and_close_leave_what_is_quiet_alone():
    assert acknowledge(Track()) == Track()
    assert close(Track(), NOON) == Track()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"threshold": float("nan")}, "must be numbers"),
        ({"clear": float("inf")}, "must be numbers"),
        ({"clear": 6}, "must lie below"),
        ({"comparison": Comparison.BELOW, "clear": 4}, "must lie above"),
        ({"hold": -MINUTE}, "below zero"),
        ({"occurrences": 0}, "1 to 100"),
        ({"occurrences": 2}, "within which time"),
        ({"remind_every": timedelta(seconds=59)}, "a minute apart"),
    ],
)
def test_terms_that_contradict_themselves_are_refused(fields, said):
    with pytest.raises(BadTerms, match=said):
        Terms(**{"comparison": Comparison.ABOVE, "threshold": 5, **fields})


@pytest.mark.parametrize(
    "row", vector_rows("oneuptime_uptime_and_budget.json", "status_hysteresis_threshold20")
)
def test_hysteresis_agrees_with_oneuptime(row):
    """OneUptime's budget status as two of our rules: at risk at 20 (back at 25), exhausted at 0 (back at 2)."""
    before, remaining = row["from"], row["remaining_pct"]
    at_risk = Terms(Comparison.AT_MOST, 20, clear=25)
    exhausted = Terms(Comparison.AT_MOST, 0, clear=2)
    firing = Track(Phase.FIRING, fired_at=NOON)
    tracks = {
        "exhausted": firing if before == "exhausted" else Track(),
        "at_risk": firing if before in ("exhausted", "at_risk") else Track(),
    }

    stands = {
        name: advance(tracks[name], Sample(NOON, remaining), terms)[0].phase is Phase.FIRING
        for name, terms in (("exhausted", exhausted), ("at_risk", at_risk))
    }

    assert next((name for name, is_so in stands.items() if is_so), "healthy") == row["expect"]


comparisons = st.sampled_from(Comparison)
durations = st.integers(0, 5).map(lambda n: n * MINUTE)
values = st.one_of(st.none(), st.floats(-10, 10))


@st.composite
def terms_of(draw):
    comparison, threshold = draw(comparisons), draw(st.integers(-5, 5))
    gap = draw(st.integers(0, 3))
    return Terms(
        comparison=comparison,
        threshold=threshold,
        clear=draw(st.sampled_from([None, threshold - gap if comparison.rises else threshold + gap])),
        hold=draw(durations),
        occurrences=draw(st.integers(1, 3)),
        within=draw(st.integers(1, 6)) * MINUTE,
        cool_down=draw(durations),
        remind_every=draw(st.sampled_from([None, 2 * MINUTE])),
    )


@given(terms_of(), st.lists(values, max_size=40))
def test_firing_and_resolving_alternate_and_keep_their_distance(terms, series):
    track, fired, resolved_at = Track(), False, None
    for number, value in enumerate(series):
        at = NOON + number * MINUTE
        track, change = advance(track, Sample(at, value), terms)

        if change is Change.FIRED:
            assert not fired
            assert resolved_at is None or at - resolved_at >= terms.cool_down
            assert at - track.breached_since >= terms.hold
            fired = True
        elif change is Change.RESOLVED:
            assert fired
            assert value is not None
            assert terms.cleared(value)
            fired, resolved_at = False, at
        elif change is Change.REMINDER:
            assert fired
        assert (track.phase is Phase.FIRING) is fired


@given(terms_of(), st.lists(values, max_size=30))
def test_the_same_reading_twice_at_one_moment_changes_nothing_the_second_time(terms, series):
    track = Track()
    for number, value in enumerate(series):
        sample = Sample(NOON + number * MINUTE, value)
        track, _ = advance(track, sample, terms)
        again, change = advance(track, sample, terms)

        assert (again, change) == (track, None)


@given(terms_of(), st.floats(-10, 10))
def test_no_value_both_breaches_and_clears(terms, value):
    assert not (terms.breached(value) and terms.cleared(value))
    assert terms.worse(value, value) == value


@given(terms_of(), st.lists(st.none(), max_size=20))
def test_nothing_known_never_fires(terms, series):
    assert run(terms, series) == []


SILENCE = Mute(NOON, NOON + MINUTE, rule="endpoint_down", subjects="shop*", reason="deploy")


@pytest.mark.parametrize(
    ("fields", "covered"),
    [
        ({}, True),
        ({"at": NOON + MINUTE}, False),
        ({"at": NOON - timedelta(microseconds=1)}, False),
        ({"rule": "error_rate"}, False),
        ({"subject": "Shop EU"}, True),
        ({"subject": "checkout"}, False),
    ],
)
def test_a_mute_covers_what_it_says(fields, covered):
    alert = {"rule": "endpoint_down", "subject": "shop", "endpoint_id": 1, "at": NOON, **fields}

    assert SILENCE.covers(**alert) is covered


def test_muted_by_names_the_mute_that_lasts_longest():
    longer = Mute(NOON, NOON + 5 * MINUTE, endpoints=frozenset({1}))
    others = Mute(NOON, NOON + 9 * MINUTE, endpoints=frozenset({2}))
    alert = {"rule": "endpoint_down", "subject": "shop", "endpoint_id": 1, "at": NOON}

    assert muted_by([SILENCE, longer, others], **alert) is longer
    assert muted_by([], **alert) is None
