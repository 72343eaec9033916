"""Schedule arithmetic against vectors that nobody here wrote, against an oracle, and its own tables."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring.domain.schedules import (
    MISSED_LIMIT,
    SKIP,
    BadSchedule,
    Cron,
    Every,
    is_overdue,
    is_subdaily,
    next_slot,
    plan_slots,
    run_once_late,
    slots_between,
)

_VECTORS = Path(__file__).parents[4] / "shared/data/vectors/cron_and_overdue_vectors.json"
_LONDON = ZoneInfo("Europe/London")
_HOUR = timedelta(hours=1)


def _instants(first_year: int, last_year: int) -> st.SearchStrategy[datetime]:
    start = datetime(first_year, 1, 1, tzinfo=UTC)
    seconds = (datetime(last_year, 1, 1, tzinfo=UTC) - start) // timedelta(seconds=1)
    return st.integers(0, seconds * 1000).map(lambda ms: start + timedelta(milliseconds=ms))


def _vectors(section: str):
    if not _VECTORS.exists():
        reason = f"the vectors are not here: {_VECTORS}"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason))]
    cases = json.loads(_VECTORS.read_text())[section]["cases"]
    return [pytest.param(case, id=case["name"]) for case in cases]


@pytest.mark.parametrize("case", _vectors("cron_next_fire"))
def test_next_slot_agrees_with_cronsim_vectors(case):
    zone = case["tz"] or "UTC"
    tzinfo = ZoneInfo(zone)
    expected = [_instant(text, tzinfo) for text in case["expect_next"]]
    # Naive walls in the vectors that exist twice mean their first pass.
    at = datetime.fromisoformat(case["start_local"]).replace(tzinfo=tzinfo).astimezone(UTC)
    schedule = Cron(case["expr"], zone)

    found = []
    for _ in expected:
        at = next_slot(schedule, at)
        found.append(at)

    assert found == expected


def _instant(text: str, tzinfo: ZoneInfo) -> datetime:
    read = datetime.fromisoformat(text)
    return (read if read.tzinfo else read.replace(tzinfo=tzinfo)).astimezone(UTC)


@pytest.mark.parametrize("case", _vectors("periodic_task_overdue"))
def test_is_overdue_agrees_with_kitsune_vectors(case):
    anchor, now = datetime.fromisoformat(case["anchor"]), datetime.fromisoformat(case["now"])

    overdue = is_overdue(Cron(case["cron"]), anchor, now, allowed_missed=case["allowed_missed_runs"])

    assert overdue is case["expect_overdue"]


@pytest.mark.parametrize("year", [2025, 2026, 2027])
@pytest.mark.parametrize("hour", [0, 1, 2, 9])
def test_london_jobs_fire_once_on_every_local_day(year, hour):
    start, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)

    slots = slots_between(Cron(f"30 {hour} * * *", "Europe/London"), start, end, limit=1000)

    days = [slot.astimezone(_LONDON).date() for slot in slots]
    assert len(days) == len(set(days)) == 365


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("2026-03-28T12:00:00+00:00", "2026-03-29T08:00:00+00:00"),  # first day of summer time
        ("2026-10-24T12:00:00+00:00", "2026-10-25T09:00:00+00:00"),  # first day of winter time
        ("2026-10-25T09:00:00+00:00", "2026-10-26T09:00:00+00:00"),  # strictly after
    ],
)
def test_nine_in_london_follows_the_clock_change(after, expected):
    slot = next_slot(Cron("0 9 * * *", "Europe/London"), datetime.fromisoformat(after))

    assert slot == datetime.fromisoformat(expected)


def test_next_slot_moves_on_from_the_second_pass_of_a_repeated_hour():
    # 01:10 GMT on 25 October 2026: the wall has shown 01:30 once already, in summer time.
    after = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)

    slot = next_slot(Cron("30 1 * * *", "Europe/London"), after)

    assert slot == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


@settings(deadline=None)
@given(
    after=_instants(2020, 2030),
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
)
def test_next_slot_is_later_and_nothing_lies_between(after, minute, hour):
    schedule = Cron(f"{minute} {hour} * * *", "Europe/London")

    slot = next_slot(schedule, after)

    assert after < slot <= after + timedelta(hours=49)
    assert next_slot(schedule, slot - timedelta(microseconds=1)) == slot
    assert slots_between(schedule, after, slot - timedelta(microseconds=1), limit=5) == []


@settings(deadline=None, max_examples=50)  # the oracle steps through every slot
@given(
    after=_instants(2026, 2028),
    hours=st.integers(0, 200),
    limit=st.integers(1, 30),
    schedule=st.sampled_from(
        [
            Cron("*/5 * * * *"),
            Cron("30 1 * * *", "Europe/London"),
            Cron("0 9 * * 0", "Europe/London"),
            Every(700),
        ]
    ),
)
def test_slots_between_gives_the_newest_of_all(after, hours, limit, schedule):
    until = after + timedelta(hours=hours)
    every_slot = []
    slot = next_slot(schedule, after)
    while slot <= until:
        every_slot.append(slot)
        slot = next_slot(schedule, slot)

    found = slots_between(schedule, after, until, limit=limit)

    assert found == every_slot[-limit:]


def test_an_interval_is_counted_from_the_epoch_so_that_two_schedulers_agree():
    after = datetime(2026, 5, 1, 10, 2, 3, 999, tzinfo=UTC)

    slot = next_slot(Every(300), after)

    assert slot == datetime(2026, 5, 1, 10, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expr", "zone", "message"),
    [
        ("* * * *", "UTC", "Cron expression"),
        ("61 * * * *", "UTC", "Bad minute"),
        ("0 0 30 2 *", "UTC", "Cron expression"),
        ("0 9 * * *", "Mars/Base", "no time zone"),
        ("0 9 * * *", "../etc/passwd", "no time zone"),
        ("", "UTC", "Cron expression"),
    ],
)
def test_cron_refuses_what_it_cannot_read(expr, zone, message):
    with pytest.raises(BadSchedule, match=message):
        Cron(expr, zone)


def test_every_refuses_no_interval():
    with pytest.raises(BadSchedule, match="no interval"):
        Every(0)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Cron("*/5 * * * *"), True),
        (Cron("0 9,17 * * *"), True),
        (Cron("0 9 * * *", "Europe/London"), False),
        (Cron("30 1 * * *", "Europe/London"), False),
        (Cron("10 2 * * 1"), False),
        (Every(3600), True),
        (Every(86400), False),
    ],
)
def test_is_subdaily(schedule, expected):
    assert is_subdaily(schedule) is expected


_NOW = datetime(2026, 5, 4, 12, 0, 30, tzinfo=UTC)


def test_plan_runs_every_slot_within_grace():
    plan = plan_slots(Every(10), after=_NOW - timedelta(seconds=45), now=_NOW, misfire=SKIP)

    assert plan.run == tuple(_NOW - timedelta(seconds=s) for s in (40, 30, 20, 10, 0))
    assert plan.missed == ()


def test_plan_runs_the_newest_missed_slot_late_and_writes_down_the_rest():
    after = _NOW - timedelta(days=3)

    plan = plan_slots(Cron("0 9 * * *"), after=after, now=_NOW, misfire=run_once_late(hours=12))

    assert plan.run == (datetime(2026, 5, 4, 9, tzinfo=UTC),)
    assert [missed.at.day for missed in plan.missed] == [2, 3]
    assert all("A newer slot of this job was run instead" in missed.reason for missed in plan.missed)


@pytest.mark.parametrize(
    ("misfire", "reason"),
    [(SKIP, "This job is not run late"), (run_once_late(hours=2), "later than the job may run late")],
)
def test_plan_misses_what_the_policy_does_not_cover(misfire, reason):
    plan = plan_slots(Cron("0 9 * * *"), after=_NOW - 4 * _HOUR, now=_NOW, misfire=misfire)

    assert plan.run == ()
    assert [missed.at.hour for missed in plan.missed] == [9]
    assert reason in plan.missed[0].reason


def test_plan_is_bounded_and_says_so():
    plan = plan_slots(Cron("*/5 * * * *"), after=_NOW - timedelta(days=400), now=_NOW, misfire=SKIP)

    assert len(plan.run) + len(plan.missed) == MISSED_LIMIT
    assert "Still earlier slots" in plan.missed[0].reason
    assert "Still earlier" not in plan.missed[1].reason


def test_plan_of_a_clock_that_stepped_back_is_empty():
    plan = plan_slots(Every(10), after=_NOW + _HOUR, now=_NOW, misfire=SKIP)

    assert plan == plan_slots(Every(10), after=_NOW, now=_NOW, misfire=SKIP)
    assert plan.run == plan.missed == ()
