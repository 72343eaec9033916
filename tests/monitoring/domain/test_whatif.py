from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given

from monitoring.domain.costs import CostDay
from monitoring.domain.downtime_left import downtime_left
from monitoring.domain.evidence import HealCount
from monitoring.domain.gates import evaluate
from monitoring.domain.outages import Outage
from monitoring.domain.outlook import Course, HourCount, earliest_go
from monitoring.domain.policy import GateKey, Policy, WindowKind, WindowRule
from monitoring.domain.uptime import EndpointRecord, measure
from monitoring.domain.verdicts import Decision
from monitoring.domain.whatif import smallest_change
from monitoring.domain.windows import Window
from tests.monitoring.domain.clean_evidence import (
    JUDGED_AT,
    LAST_DAY,
    WEEK,
    api_day,
    api_days,
    clean,
    cost_days,
    costs,
    error_rate,
    incident,
    incidents,
    lacking,
    quiet,
    shares,
    uptime,
)
from tests.monitoring.domain.test_gate_properties import evidences

POLICY = Policy()
OWN = replace(POLICY, window=WindowRule(kind=WindowKind.BURN_IN))
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def changes(evidence, policy=POLICY):
    return {one.path: (one.before, one.after) for one in smallest_change(evidence, policy).changes}


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (clean(), {}),
        (
            clean(uptime=uptime(low=0.99966, likely=0.9997, high=0.9998)),
            {"gates.uptime": ("99.98", "99.966")},
        ),
        (clean(error_rate=error_rate(bad=100, total=9_999)), {"gates.error_rate": ("0.5", "1.001")}),
        (
            clean(incidents=incidents(incident(id="1"), incident(id="2"))),
            {"gates.p1_incidents": ("0", "2"), "triggers.p1_incidents": ("1", "3")},
        ),
        (
            clean(api_days=(*api_days(5), api_day(LAST_DAY - 5 * DAY, endpoints=shares(1, 1, 1, 1, 0.9)))),
            {"gates.intelligence_api_days": ("7", "5")},
        ),
        (
            clean(costs=costs(days=cost_days(d14="12.345"))),
            {"gates.daily_cost": ("10", "12.35"), "triggers.above_usd_per_day": ("10", "12.35")},
        ),
        (
            clean(triggers=quiet(heals=(HealCount("api", 2), HealCount("api", 1)))),
            {"triggers.heals_per_subsystem": ("2", "4")},
        ),
        (
            clean(triggers=quiet(api_server_errors=3, api_failed_probes=2)),
            {"triggers.api_server_errors": ("1", "4"), "triggers.api_failed_probes": ("1", "3")},
        ),
        (clean(triggers=quiet(api_failed_probes=2)), {"triggers.api_failed_probes": ("1", "3")}),
    ],
)
def test_smallest_change_makes_go_and_less_does_not(evidence, expected):
    found = smallest_change(evidence, POLICY)

    assert changes(evidence) == expected
    assert found.makes_go
    assert found.obstacles == ()


def test_smallest_change_of_uptime_is_the_smallest():
    evidence = clean(uptime=uptime(low=0.99966, likely=0.9997, high=0.9998))

    assert evaluate(evidence, POLICY.with_limit(GateKey.UPTIME, 99.966)).decision is Decision.GO
    assert evaluate(evidence, POLICY.with_limit(GateKey.UPTIME, 99.967)).decision is Decision.NO_GO


@pytest.mark.parametrize(
    ("evidence", "policy", "obstacle"),
    [
        (clean(uptime=uptime(coverage=0.5)), POLICY, "Uptime: Only 50.00 % of the window was observed"),
        (clean(uptime=None), POLICY, "Uptime: No critical endpoint is watched."),
        (
            clean(triggers=quiet(heals=None)),
            POLICY,
            "Repeated self-heal: Self-heal actions could not be counted.",
        ),
        (clean(), replace(POLICY, uptime=None), "Uptime: The policy has no criterion for this gate."),
        (clean(), replace(POLICY, triggers=None), "P1 incident: The policy has no rule for this trigger."),
        (
            clean(api_days=(api_day(LAST_DAY, endpoints=shares(1, 1, 1, 1, 0.2)),)),
            POLICY,
            "Intelligence API days: 7 more days needed: 2025-11-26 00:00 UTC at the earliest.",
        ),
    ],
)
def test_smallest_change_never_buys_off_missing_evidence(evidence, policy, obstacle):
    found = smallest_change(evidence, policy)

    assert not found.makes_go
    assert any(text.startswith(obstacle) for text in found.obstacles), found.obstacles


@given(evidence=evidences)
def test_smallest_change_says_go_only_where_the_judge_does(evidence):
    found = smallest_change(evidence, POLICY)

    assert found.makes_go == (not found.obstacles)


# Looking ahead


def record(*outages, name="api", start=WEEK.start - 30 * DAY, end=JUDGED_AT):
    return EndpointRecord(name, spans=(Window(start, end),), outages=outages)


def down(start, seconds):
    end = start + timedelta(seconds=seconds)
    return Outage(start, start, end, end, confirmed=True)


def course(*records, **changes):
    hours = tuple(HourCount(JUDGED_AT - n * HOUR, 360, 0) for n in range(26, 0, -1))
    return replace(Course(records=records or (record(),), hours=hours), **changes)


def ahead(evidence, the_course=None, policy=POLICY):
    return earliest_go(evidence, policy, the_course or course())


def test_go_of_now_is_possible_now():
    assert ahead(clean()).at == JUDGED_AT
    assert ahead(clean()).parts == ()


def test_earliest_go_is_when_the_outage_leaves_the_window():
    start = JUDGED_AT - 3 * DAY
    records = course(record(down(start, 600)))
    measured = measure(Window(WEEK.start, WEEK.end), records.records, JUDGED_AT)
    bad = clean(uptime=uptime(low=measured.uptime.low, likely=measured.uptime.likely))

    found = ahead(bad, records)

    # 120.96 of the 604,800 seconds may stay: the rest of the 600 must have left.
    leaves = start + timedelta(seconds=600 - 120.96) + 7 * DAY
    assert timedelta(0) <= found.at - leaves <= timedelta(seconds=1)


def test_earliest_go_waits_until_the_window_was_observed():
    young = course(record(start=JUDGED_AT - 2 * DAY))

    found = ahead(clean(uptime=uptime(coverage=2 / 7), incidents=incidents(coverage=2 / 7)), young)

    assert timedelta(0) <= found.at - (JUDGED_AT + 5 * DAY - timedelta(seconds=604.8)) <= timedelta(seconds=1)
    assert [part.subject for part in found.parts] == ["Uptime", "P1 incidents"]


def test_earliest_go_takes_an_open_outage_for_over():
    open_one = Outage(JUDGED_AT - DAY, JUDGED_AT - DAY, JUDGED_AT, None, confirmed=True)

    found = ahead(clean(uptime=uptime(low=0.8, likely=0.8)), course(record(open_one)))

    assert found.at is not None
    assert found.at > JUDGED_AT + 6 * DAY


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (
            clean(incidents=incidents(incident(resolved=JUDGED_AT - DAY))),
            JUDGED_AT + 6 * DAY + timedelta(microseconds=1),
        ),
        (clean(costs=costs(days=cost_days(d14="12"))), datetime(2025, 11, 22, tzinfo=UTC)),
        (clean(costs=costs(days=cost_days(d14=None))), datetime(2025, 11, 22, tzinfo=UTC)),
        (
            clean(
                costs=costs(
                    days=(*costs().days, CostDay(JUDGED_AT.date(), completed=False, total=Decimal("11")))
                )
            ),
            datetime(2025, 11, 27, tzinfo=UTC),
        ),
        (
            clean(api_days=(*api_days(3), api_day(JUDGED_AT.date(), completed=False))),
            datetime(2025, 11, 23, tzinfo=UTC),
        ),
        (
            clean(api_days=(*api_days(3), api_day(JUDGED_AT.date(), completed=False, alert_firing=True))),
            datetime(2025, 11, 24, tzinfo=UTC),
        ),
        (clean(api_days=api_days(3)), datetime(2025, 11, 27, tzinfo=UTC)),
        (
            clean(
                api_days=(
                    *api_days(3),
                    api_day(JUDGED_AT.date(), completed=False, endpoints=shares(1, 1, 1, 1, 0.5)),
                )
            ),
            datetime(2025, 11, 27, tzinfo=UTC),
        ),
        (clean(api_days=()), datetime(2025, 11, 27, tzinfo=UTC)),
        (clean(triggers=quiet(heals=(HealCount("api", 2),))), JUDGED_AT + 7 * DAY),
        (clean(triggers=quiet(api_server_errors=1)), JUDGED_AT + 7 * DAY),
    ],
)
def test_earliest_go_of_each_gate(evidence, expected):
    assert ahead(evidence).at == expected


def test_failed_api_probe_must_leave_the_window():
    failed = JUDGED_AT - 2 * DAY

    found = ahead(clean(triggers=quiet(api_failed_probes=1)), course(api_failures=(failed,)))

    assert found.at == failed + 7 * DAY + timedelta(microseconds=1)


def test_earliest_go_after_errors_is_when_they_leave_the_24_hours():
    hours = tuple(HourCount(JUDGED_AT - n * HOUR, 360, 100 if n == 20 else 0) for n in range(26, 0, -1))

    found = ahead(clean(error_rate=error_rate(bad=100)), course(hours=hours))

    assert found.at == JUDGED_AT + 5 * HOUR


def test_earliest_go_with_few_observations_is_when_there_are_enough():
    hours = tuple(HourCount(JUDGED_AT - n * HOUR, 100, 0) for n in (3, 2, 1))

    found = ahead(clean(error_rate=error_rate(total=300)), course(hours=hours))

    assert timedelta(0) <= found.at - (JUDGED_AT + 2.98 * HOUR) <= timedelta(seconds=1)


@pytest.mark.parametrize(
    ("evidence", "the_course", "policy", "why"),
    [
        (
            clean(incidents=incidents(incident(resolved=None))),
            course(),
            POLICY,
            "Incident 12 (API down) is still open.",
        ),
        (clean(incidents=None), course(), POLICY, "Incidents were not looked at."),
        (clean(uptime=None), Course(records=()), POLICY, "No critical endpoint is watched."),
        (clean(error_rate=None), course(), POLICY, "Nothing is being observed"),
        (
            clean(error_rate=error_rate(total=3)),
            course(hours=(HourCount(JUDGED_AT - 2 * HOUR, 1, 0), HourCount(JUDGED_AT - HOUR, 1, 0))),
            POLICY,
            "At this rate 24 h will not hold 598 observations.",
        ),
        (
            clean(api_days=tuple(replace(one, alert_firing=None) for one in api_days())),
            course(),
            POLICY,
            "Whether alerts were firing is not known",
        ),
        (clean(triggers=quiet(heals=None)), course(), POLICY, "It must first be observed"),
        (clean(), course(), replace(POLICY, **lacking("daily_cost")), "The policy has no criterion"),
        (clean(), course(), replace(POLICY, **lacking("triggers")), "The policy has no rule"),
        (clean(incidents=incidents(incident())), course(), OWN, "does not move on"),
        (clean(costs=costs(days=cost_days(d14="12"))), course(), OWN, "stays in the burn-in's own window"),
        (
            clean(uptime=uptime(low=0.9, likely=0.9)),
            course(record(down(JUDGED_AT - DAY, 9000))),
            OWN,
            "too much downtime",
        ),
        (
            clean(incidents=incidents(coverage=0.1)),
            course(record(start=JUDGED_AT - HOUR)),
            OWN,
            "observed too little",
        ),
    ],
)
def test_time_alone_does_not_mend_everything(evidence, the_course, policy, why):
    found = earliest_go(evidence, policy, the_course)

    assert found.at is None
    assert any(part.at is None and why in part.why for part in found.parts), found.parts


def test_burn_in_that_still_runs_is_go_at_its_end_at_the_earliest():
    end = JUDGED_AT + 2 * DAY
    running = clean(window=replace(WEEK, start=end - 7 * DAY, end=end))

    assert earliest_go(running, OWN, course()).at == end


def test_burn_in_that_began_today_waits_for_a_day_to_complete():
    begun = datetime(2025, 11, 19, tzinfo=UTC)
    first_day = clean(window=replace(WEEK, start=begun, end=begun + 7 * DAY))

    parts = {part.subject: part.at for part in earliest_go(first_day, OWN, course()).parts}

    assert parts["Daily cost"] == begun + DAY
    assert parts["Uptime"] == begun + 7 * DAY


def test_downtime_left_is_what_of_the_allowed_is_not_spent():
    spent = course(record(down(JUDGED_AT - DAY, 80)), review_at=JUDGED_AT + 2 * DAY)

    left = downtime_left(clean(), POLICY, spent)

    assert left.at == JUDGED_AT + 2 * DAY
    assert left.seconds == pytest.approx(40.96)
    assert (
        str(left)
        == "GO needs no outage longer than 40 s from here (all together, up to 2025-11-21T09:00:00Z)."
    )


def test_downtime_left_forgets_what_will_have_left_the_window():
    spent = course(record(down(JUDGED_AT - 6 * DAY, 80)), review_at=JUDGED_AT + 2 * DAY)

    assert downtime_left(clean(), POLICY, spent).seconds == pytest.approx(120.96)


def test_downtime_left_of_nothing_says_so():
    spent = course(record(down(JUDGED_AT - DAY, 200)), review_at=JUDGED_AT - DAY)

    left = downtime_left(clean(), POLICY, spent)

    assert (left.seconds, left.at) == (0.0, JUDGED_AT + 7 * DAY) or left.seconds > 0
    assert downtime_left(clean(), POLICY, Course(records=())) is None
    assert downtime_left(clean(), replace(POLICY, **lacking("uptime")), course()) is None


def test_downtime_out_of_reach_is_said_in_words():
    spent = course(record(down(JUDGED_AT - DAY, 200)), review_at=JUDGED_AT + DAY)

    assert str(downtime_left(clean(), POLICY, spent)) == (
        "GO on 2025-11-20T09:00:00Z is out of reach for uptime: 3 min 20 s are spent."
    )


def test_threshold_that_nobody_could_set_is_no_change():
    found = smallest_change(clean(triggers=quiet(heals=(HealCount("api", 2_000_000_000),))), POLICY)

    assert (found.changes, found.makes_go) == ((), False)
    assert found.obstacles[0].startswith("Repeated self-heal: Healed repeatedly")


def test_change_is_told_in_words():
    found = smallest_change(clean(uptime=uptime(low=0.99966, likely=0.9997, high=0.9998)), POLICY)

    assert [str(one) for one in found.changes] == ["gates.uptime from 99.98 to 99.966"]


def test_dear_day_of_today_must_leave_the_window_too():
    today = CostDay(JUDGED_AT.date(), completed=False, total=Decimal("11"))
    dear = clean(costs=costs(days=(*cost_days(d14=None), today)))

    parts = {part.subject: part.at for part in ahead(dear).parts}

    assert parts["Daily cost"] == datetime(2025, 11, 27, tzinfo=UTC)
