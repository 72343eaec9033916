"""Healing with real rows: brakes, approval, the ops log, verification, and the database's own limit."""

from datetime import timedelta

import pytest
from django.db import IntegrityError

from intelligence.domain.healing import ActionState, HealTrigger
from intelligence.models import HealRule, IntelAction
from intelligence.services import healing
from intelligence.services.healing import Ailment
from monitoring.models import OpsLogEntry
from tenancy.context import control_transaction
from tests.factories import NOON, core

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rule(settings):
    settings.HEAL_COMMANDS = {"hello": ["/bin/echo", "hello"], "wrong": ["/bin/false"]}
    settings.INCIDENT_AUTORECOVER = True
    return HealRule.objects.create(
        name="greet", trigger="alert", kind="command", target="hello", dry_run=False, least_severity="P2"
    )


def ailment(alert_id=1, subsystem="shop", severity="P1"):
    return Ailment(HealTrigger.ALERT, core().pk, subsystem, "", severity, "It broke.", alert_id=alert_id)


def heal(*ailments, now=NOON):
    return healing.pursue(healing.propose(ailments, now=now), now=now)


def test_a_command_heals_once_and_is_written_down_as_a_heal(rule):
    (action,) = heal(ailment())
    again = heal(ailment())

    assert (action.state, action.why) == ("succeeded", "hello")
    assert action.verify_at == NOON + timedelta(minutes=15)
    assert again == []
    (entry,) = OpsLogEntry.objects.filter(kind="heal")
    assert (entry.subsystem, entry.data["action"]) == ("shop", str(action.pk))


def test_a_lesser_severity_is_left_alone(rule):
    assert heal(ailment(severity="P3")) == []


def test_cool_down_and_daily_limit_skip_with_the_reason(rule):
    moments = [timedelta(minutes=m) for m in (0, 10, 31, 62, 93)]

    told = [heal(ailment(alert_id=n), now=NOON + at)[0] for n, at in enumerate(moments, start=1)]

    assert [one.state for one in told] == ["succeeded", "skipped", "succeeded", "succeeded", "skipped"]
    assert "cool-down" in told[1].why
    assert "3 actions" in told[4].why
    assert OpsLogEntry.objects.filter(kind="heal").count() == 3


def test_another_subsystem_has_its_own_brakes(rule):
    first, second = heal(ailment(1, "shop"), ailment(2, "billing"))

    assert (first.state, second.state) == ("succeeded", "succeeded")


def test_stabilise_mode_freezes_everything(rule, settings):
    settings.STABILIZE_MODE = True

    (action,) = heal(ailment())

    assert (action.state, "STABILIZE_MODE" in action.why) == ("skipped", True)
    assert not OpsLogEntry.objects.filter(kind="heal").exists()


def test_what_destroys_waits_for_a_person(rule):
    rule.destructive = True
    rule.save()

    (action,) = heal(ailment())
    with control_transaction("test"):
        healing.approve(action.pk, by="otto", now=NOON)
        waiting = healing.waiting_actions()
    (done,) = healing.pursue(waiting, now=NOON)

    assert (action.state, done.state, done.approved_by) == ("proposed", "succeeded", "otto")
    assert OpsLogEntry.objects.get(kind="heal").actor == "otto"
    with control_transaction("test"), pytest.raises(healing.UnableToApprove, match="succeeded, not proposed"):
        healing.approve(action.pk, by="otto", now=NOON)


@pytest.mark.parametrize(("target", "why"), [("wrong", "ended with code 1"), ("rm", "no command 'rm'")])
def test_what_fails_says_why(rule, target, why):
    rule.target = target
    rule.save()

    (action,) = heal(ailment())

    assert action.state == "failed"
    assert why in action.why
    assert action.verify_at is None


def test_a_webhook_without_a_secret_is_not_sent(rule):
    rule.kind, rule.target = "webhook", "http://127.0.0.1:1/heal"
    rule.save()

    (action,) = heal(ailment())

    assert (action.state, "HEAL_WEBHOOK_SECRET" in action.why) == ("failed", True)


def test_the_database_allows_one_action_at_a_time_on_a_subsystem():
    row = {
        "tenant": core(),
        "action": "a",
        "ts": NOON,
        "subsystem": "shop",
        "state": ActionState.EXECUTING.value,
    }
    with control_transaction("test"):
        IntelAction.objects.create(**row)

    with pytest.raises(IntegrityError, match="intel_action_one_at_a_time"), control_transaction("test"):
        IntelAction.objects.create(**row)


def test_what_never_ended_is_given_up_as_failed():
    with control_transaction("test"):
        row = IntelAction.objects.create(
            tenant=core(), action="a", ts=NOON, subsystem="shop", state="executing", began_at=NOON
        )

    assert healing.give_up_stale(NOON + timedelta(minutes=9)) == 0
    assert healing.give_up_stale(NOON + timedelta(minutes=11)) == 1
    with control_transaction("test"):
        assert IntelAction.objects.get(pk=row.pk).state == "failed"
