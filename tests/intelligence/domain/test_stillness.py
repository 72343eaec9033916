"""Series that stand still, and series that fall silent."""

from datetime import UTC, datetime, timedelta

import pytest

from intelligence.domain.stillness import flat_line, silence
from tests.intelligence.domain.test_detectors import daily

START = datetime(2025, 11, 3, tzinfo=UTC)
STEP = timedelta(minutes=15)


@pytest.mark.parametrize(("repeats", "found"), [(0, False), (1, False), (2, True), (3, True)])
def test_stuck_meter_is_found_at_its_second_repeat(repeats: int, found: bool) -> None:
    values = daily(400)

    line = flat_line([*values, *[values[-1]] * repeats])

    assert (line is not None) is found
    if line is not None:
        assert (line.value, line.repeats, line.longest_before) == (values[-1], repeats, 0)
        assert line.score >= 4
        assert "never" in line.explanation


def test_nightly_zeros_need_a_longer_run() -> None:
    night, day = [0.0] * 30, [float(n) for n in range(1, 67)]
    values = (night + day) * 10

    usual = flat_line([*values, *night])
    stuck = flat_line([*values, *[0.0] * 45])

    assert usual is None
    assert stuck is not None
    assert stuck.longest_before == 29
    assert "more than 29 times" in stuck.explanation


@pytest.mark.parametrize("values", [[], [1.0] * 79, [1.0] * 500, daily(200)])
def test_constant_young_and_moving_series_do_not_stand_still(values: list[float]) -> None:
    assert flat_line(values) is None


def times(count: int) -> list[datetime]:
    return [START + place * STEP for place in range(count)]


@pytest.mark.parametrize(("waited", "missed"), [(1.0, None), (1.9, None), (2.0, 2), (4.5, 4)])
def test_silence_is_found_after_two_steps(waited: float, missed: int | None) -> None:
    seen = times(10)

    found = silence(seen, seen[-1] + waited * STEP)

    assert (found.missed if found else None) == missed
    if found:
        assert found.last_at == seen[-1]
        assert f"{missed} points are missing, one every 900 s" in found.explanation


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_points_have_no_usual_step(count: int) -> None:
    assert silence(times(count), START + timedelta(days=9)) is None
