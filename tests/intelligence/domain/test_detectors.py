"""The detector: what it finds, what it leaves alone, and how it meets what real series bring."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intelligence.domain.detectors import THRESHOLD, Detector, Reading, ReadingState, Terms, UnableToDetect
from intelligence.domain.series import Direction

START = datetime(2025, 11, 3, tzinfo=UTC)
STEP = timedelta(minutes=15)


def daily(count: int, seed: int = 0, noise: float = 1.0) -> list[float]:
    """A daily season with noise."""
    places = np.arange(count)
    season = 10 * np.sin(2 * np.pi * places / 96)
    return [float(v) for v in 100 + season + np.random.default_rng(seed).normal(0, noise, count)]


def feed(detector: Detector, values: list[float | None], first: int = 0) -> list[Reading]:
    return [detector.judge(START + (first + place) * STEP, value) for place, value in enumerate(values)]


def test_healthy_series_is_quiet_once_learned() -> None:
    readings = feed(Detector(), daily(96 * 14))

    alerts = [reading for reading in readings if reading.is_alert]

    assert len(alerts) <= 1
    assert {reading.state for reading in readings[:80]} == {ReadingState.LEARNING}
    assert readings[79].score is None
    assert readings[80].score is not None


def test_unheard_of_value_alerts_and_says_against_what() -> None:
    detector = Detector()
    feed(detector, daily(960))

    [reading] = feed(detector, [200.0], first=960)

    assert reading.state is ReadingState.ALERT
    assert reading.score is not None
    assert reading.score == reading.terms.score >= THRESHOLD
    assert reading.p == reading.terms.probability < 1e-4
    assert reading.direction is Direction.UP
    assert reading.expected == pytest.approx(100, abs=1.5)
    assert reading.seasonal_baseline
    assert (reading.baseline_start, reading.baseline_end) == (START, START + 959 * STEP)
    assert reading.baseline_points == 960


def test_sample_is_not_in_its_own_baseline() -> None:
    values = daily(960)
    one, other = Detector(), Detector()
    feed(one, values)
    feed(other, values)

    [near], [far] = feed(one, [150.0], first=960), feed(other, [1e6], first=960)

    assert near.expected == far.expected
    assert near.score is not None
    assert far.score is not None
    assert far.score > near.score


def test_score_is_the_weighted_sum_of_the_terms() -> None:
    assert Terms(1.0, 2.0, 3.0).score == 4.5
    assert Terms(None, None, None).score == 0.0
    assert Terms(1.0, 3.0, 2.0).probability == pytest.approx(1e-3)


@pytest.mark.parametrize(
    ("watched", "value", "alert"),
    [
        (Direction.UP, 200.0, True),
        (Direction.UP, 0.0, False),
        (Direction.DOWN, 200.0, False),
        (Direction.DOWN, 0.0, True),
        (Direction.BOTH, 200.0, True),
        (Direction.BOTH, 0.0, True),
    ],
)
def test_only_the_watched_direction_alerts(watched: Direction, value: float, alert: bool) -> None:
    detector = Detector(watched)
    feed(detector, daily(960))

    [reading] = feed(detector, [value], first=960)

    assert reading.is_alert is alert
    assert reading.direction is (Direction.UP if value > 100 else Direction.DOWN)


def test_one_long_fault_is_one_alert() -> None:
    detector = Detector()
    feed(detector, daily(960))

    readings = feed(detector, [value + 60 for value in daily(20, seed=5)], first=960)

    states = [reading.state for reading in readings]
    assert states[0] is ReadingState.ALERT
    assert states.count(ReadingState.ALERT) == 1
    assert ReadingState.COOLING in states


def test_much_worse_breaks_the_cool_down() -> None:
    detector = Detector()
    feed(detector, daily(960))

    first, worse = feed(detector, [125.0, 5_000.0], first=960)

    assert first.is_alert
    assert worse.is_alert
    assert first.score is not None
    assert worse.score is not None
    assert worse.score > first.score + 1.5


def test_same_fault_alerts_again_after_the_cool_down() -> None:
    detector = Detector()
    feed(detector, daily(960))
    [first] = feed(detector, [200.0], first=960)
    feed(detector, daily(48), first=961)

    [second] = feed(detector, [-100.0], first=1009)

    assert first.is_alert
    assert second.is_alert


def test_no_data_is_neither_judged_nor_learned() -> None:
    one, other = Detector(), Detector()
    values = daily(200)
    feed(one, values)
    feed(other, values)

    [nothing] = feed(other, [None], first=200)

    assert nothing.state is ReadingState.NO_DATA
    assert (nothing.score, nothing.p, nothing.expected, nothing.baseline_points) == (None, None, None, 0)
    assert feed(one, [300.0], first=201) == feed(other, [300.0], first=201)


def test_no_difference_is_taken_across_a_gap() -> None:
    values = daily(960)
    steady, gapped = Detector(), Detector()
    feed(steady, values)
    feed(gapped, values)

    [near] = feed(steady, [107.0], first=960)
    [far] = feed(gapped, [107.0], first=960 + 48)

    assert near.terms.activity is not None
    assert far.terms.activity is None
    assert list(gapped.differences) == [pytest.approx(107.0 - (far.expected or 0))]


def test_gap_on_the_first_day_leaves_nothing_to_compare_with() -> None:
    detector = Detector()
    feed(detector, daily(20))

    [reading] = feed(detector, [100.0], first=40)

    assert reading.terms == Terms(None, None, None)
    assert list(detector.differences) == []


def test_failed_probes_alert() -> None:
    """Availability is 1 all along; then nothing answers."""
    detector = Detector(Direction.DOWN)
    feed(detector, [1.0] * 400)

    down = feed(detector, [0.0], first=400)

    assert down[0].is_alert


@pytest.mark.parametrize("count", [83, 500, 3000])
def test_first_change_of_a_constant_series_alerts(count: int) -> None:
    detector = Detector()
    quiet = feed(detector, [20.0] * count)

    [changed] = feed(detector, [20.5], first=count)

    assert not any(reading.is_alert for reading in quiet)
    assert changed.is_alert
    assert changed.score is not None
    assert changed.score < 10


def test_new_series_is_never_an_anomaly() -> None:
    readings = feed(Detector(), [1.0, 1e9, -1e9, 0.0])

    assert [reading.state for reading in readings] == [ReadingState.LEARNING] * 4
    assert readings[0].expected is None
    assert readings[0].direction is None
    assert readings[0].baseline_start is None
    assert readings[1].expected == 1.0


def test_last_at_says_what_is_still_to_be_fed() -> None:
    detector = Detector()

    before = detector.last_at
    feed(detector, [1.0, 2.0])

    assert before is None
    assert detector.last_at == START + STEP


def test_old_points_are_forgotten() -> None:
    detector = Detector(history=64)

    feed(detector, daily(400))

    assert len(detector.times) < 64 + 5
    assert detector.times[-1] == (START + 399 * STEP).timestamp()
    assert len(detector.level.seen) == 64
    assert len(detector.values) == len(detector.times)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e101])
def test_impossible_value_is_refused_and_not_learned(value: float) -> None:
    detector = Detector()

    with pytest.raises(UnableToDetect, match="None for no data"):
        detector.judge(START, value)

    assert detector.points == 0


@pytest.mark.parametrize("again", [START, START - STEP])
def test_points_out_of_order_are_refused(again: datetime) -> None:
    detector = Detector()
    detector.judge(START, 1.0)

    with pytest.raises(UnableToDetect, match="feed each point once"):
        detector.judge(again, 2.0)


def test_time_without_zone_is_refused() -> None:
    with pytest.raises(UnableToDetect, match="time zone"):
        Detector().judge(datetime(2025, 11, 3), 1.0)  # noqa: DTZ001 (the point of this test)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6), st.sampled_from([0.0, 1.0])), max_size=150),
    st.sampled_from(Direction),
)
def test_any_series_is_read_without_harm(values: list[float | None], watched: Direction) -> None:
    readings = feed(Detector(watched), values)

    for reading, value in zip(readings, values, strict=True):
        assert (reading.state is ReadingState.NO_DATA) == (value is None)
        assert reading.score is None or reading.score >= 0
        assert reading.p is None or 0 <= reading.p <= 1
        if reading.is_alert:
            assert reading.score is not None
            assert reading.score >= THRESHOLD


@settings(max_examples=10, deadline=None)
@given(st.floats(0.01, 1000), st.integers(-1000, 1000))
def test_scale_and_offset_do_not_matter(scale: float, offset: int) -> None:
    values = [*daily(300, seed=7), 180.0]

    plain = feed(Detector(), values)
    moved = feed(Detector(), [scale * value + offset for value in values])

    assert [r.state for r in moved] == [r.state for r in plain]
    assert moved[-1].score == pytest.approx(plain[-1].score, rel=0.01)


def test_points_come_in_order() -> None:
    readings = feed(Detector(), daily(5))

    assert all(one.at < other.at for one, other in pairwise(readings))
