import pytest
from django.db import IntegrityError, transaction

from intelligence.models import IntelAction
from intelligence.services.alert_actions import note_alerts
from intelligence.tasks import note_alerts as task
from tenancy.context import control_scope, control_transaction, enter
from tests.factories import NOON, core, make_tenant
from tests.monitoring.alerts import make_episode

pytestmark = pytest.mark.django_db


def actions():
    with control_transaction("test"):
        return list(IntelAction.objects.order_by("alert_episode"))


def test_each_alert_becomes_one_action():
    first, second = make_episode(), make_episode("error_rate", tenant=make_tenant())

    written = note_alerts()

    rows = actions()
    assert written == 2
    assert [(row.action, row.alert_episode, row.ts) for row in rows] == [
        ("alert_triggered", first.pk, NOON),
        ("alert_triggered", second.pk, NOON),
    ]
    assert [row.tenant_id for row in rows] == [core().pk, second.tenant_id]
    assert rows[1].metadata["rule"] == "error_rate"
    # What counts repeated heals must not take an alert for one.
    assert {row.subsystem for row in rows} == {""}


def test_reading_them_again_writes_nothing():
    make_episode()
    note_alerts()

    again = note_alerts()
    make_episode()

    assert again == 0
    assert note_alerts() == 1
    assert len(actions()) == 2


def test_more_alerts_than_one_batch_are_all_noted(monkeypatch):
    monkeypatch.setattr("intelligence.services.alert_actions._BATCH", 2)
    for _ in range(5):
        make_episode()

    assert note_alerts() == 5
    assert len(actions()) == 5


def test_the_database_lets_an_alert_become_one_action():
    episode = make_episode()
    note_alerts()

    with (
        control_transaction("test"),
        pytest.raises(IntegrityError, match="intel_action_alert_once"),
        transaction.atomic(),
    ):
        IntelAction.objects.create(tenant=core(), action="x", ts=NOON, alert_episode=episode.pk)


def test_the_task_says_what_it_did():
    make_episode()

    with enter(control_scope("test")):
        assert task() == "1 alerts noted"
