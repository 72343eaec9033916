"""What fires each NO-GO trigger, and what does not."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from monitoring.domain.costs import CostDay
from monitoring.domain.evidence import Evidence, HealCount
from monitoring.domain.policy import Policy, TriggerKey, TriggerRule
from monitoring.domain.triggers import evaluate_triggers
from monitoring.domain.verdicts import Trigger
from tests.monitoring.domain.clean_evidence import (
    JUDGED_AT,
    WEEK,
    clean,
    cost_days,
    costs,
    incident,
    incidents,
    quiet,
)


def trigger(key: TriggerKey, evidence: Evidence, policy: Policy | None = None) -> Trigger:
    return next(one for one in evaluate_triggers(evidence, policy or Policy()) if one.key is key)


def test_clean_evidence_fires_nothing() -> None:
    triggers = evaluate_triggers(clean(), Policy())

    assert [one.key for one in triggers] == list(TriggerKey)
    assert [(one.fired, one.observed) for one in triggers] == [(False, True)] * 4


@pytest.mark.parametrize(
    ("opened", "resolved", "severity", "fired"),
    [
        (WEEK.start, None, "P1", True),
        (JUDGED_AT, None, "P1", True),
        (JUDGED_AT + timedelta(seconds=1), None, "P1", False),
        (WEEK.start - timedelta(hours=2), WEEK.start - timedelta(hours=1), "P1", False),
        (WEEK.start, None, "P2", False),
    ],
)
def test_p1_trigger(opened, resolved, severity, fired) -> None:
    evidence = clean(incidents=incidents(incident(severity, opened, resolved)))

    assert trigger(TriggerKey.P1_INCIDENT, evidence).fired is fired


@pytest.mark.parametrize(
    ("heals", "fired"),
    [
        ((), False),
        ((HealCount("api", 1), HealCount("db", 1)), False),
        ((HealCount("api", 2),), True),
        ((HealCount("api", 1), HealCount("db", 1), HealCount("api", 1)), True),
    ],
)
def test_repeated_heal_counts_per_subsystem(heals, fired) -> None:
    assert trigger(TriggerKey.REPEATED_HEAL, clean(triggers=quiet(heals=heals))).fired is fired


def test_repeated_heal_names_the_subsystems() -> None:
    heals = (HealCount("web", 1), HealCount("db", 3), HealCount("api", 2))

    told = trigger(TriggerKey.REPEATED_HEAL, clean(triggers=quiet(heals=heals))).explanation

    assert told == "Healed repeatedly in 7 days: api (2 times), db (3 times)."


@pytest.mark.parametrize(("total", "fired"), [("10.00", False), ("10.01", True), (None, False)])
def test_cost_spike_on_any_day(total, fired) -> None:
    found = trigger(TriggerKey.COST_SPIKE, clean(costs=costs(days=cost_days(d13=total))))

    assert (found.fired, found.observed) == (fired, True)


def test_cost_spike_sees_what_today_has_cost_so_far() -> None:
    today = CostDay(JUDGED_AT.date(), completed=False, total=Decimal("10.01"))

    found = trigger(TriggerKey.COST_SPIKE, clean(costs=costs(days=(*costs().days, today))))

    assert found.fired
    assert found.explanation == "2025-11-19 cost $10.01, above $10.00."


@pytest.mark.parametrize("days_off", [-8, 1])
def test_cost_spike_leaves_days_outside_aside(days_off: int) -> None:
    day = JUDGED_AT.date() + timedelta(days=days_off)
    outside = CostDay(day, completed=True, total=Decimal(99))

    assert not trigger(TriggerKey.COST_SPIKE, clean(costs=costs(days=(*costs().days, outside)))).fired


def test_cost_spike_fires_even_beside_an_unusable_amount() -> None:
    days = (replace(costs().days[0], total=Decimal("NaN")), *cost_days(d13="11"))

    assert trigger(TriggerKey.COST_SPIKE, clean(costs=costs(days=days))).fired


@pytest.mark.parametrize("facts", [None, costs(days=()), costs(days=cost_days(d14=None)[4:5])])
def test_cost_spike_without_costs_is_not_observed(facts) -> None:
    found = trigger(TriggerKey.COST_SPIKE, clean(costs=facts))

    assert (found.fired, found.observed) == (False, False)


@pytest.mark.parametrize(
    ("errors", "failed", "fired", "observed"),
    [
        (0, 0, False, True),
        (1, 0, True, True),
        (0, 1, True, True),
        (1, None, True, True),
        (None, 1, True, True),
        (0, None, False, False),
        (None, 0, False, False),
        (None, None, False, False),
    ],
)
def test_api_errors_that_reached_users(errors, failed, fired, observed) -> None:
    evidence = clean(triggers=quiet(api_server_errors=errors, api_failed_probes=failed))

    found = trigger(TriggerKey.API_ERRORS, evidence)

    assert (found.fired, found.observed) == (fired, observed)


def test_thresholds_come_from_the_policy() -> None:
    rule = TriggerRule(
        p1_incidents=2,
        heals_per_subsystem=3,
        heal_days=1,
        above_usd_per_day=Decimal(20),
        api_server_errors=5,
        api_failed_probes=5,
    )
    evidence = clean(
        incidents=incidents(incident()),
        costs=costs(days=cost_days(d13="19")),
        triggers=quiet(heals=(HealCount("api", 2),), api_server_errors=4, api_failed_probes=4),
    )

    triggers = evaluate_triggers(evidence, Policy(triggers=rule))

    assert not any(one.fired for one in triggers)
    assert triggers[1].explanation == "No subsystem was healed 3 times or more in 1 day."
