import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from monitoring import tasks
from monitoring.domain.runs import Outcome
from monitoring.models import AlertDelivery, AlertEpisode, AlertRule, BeatLease
from monitoring.services import jobs
from tenancy.context import control_scope, enter
from tests.factories import make_endpoint
from tests.monitoring.alerts import make_episode, observe
from tests.monitoring.runs import make_run
from tests.platform_server import running_platform

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _beat_lives():
    BeatLease.objects.create(heartbeat_at=Now())
    # Without schedule rows no job is due.


def _run(command, **options):
    out = io.StringIO()
    code = 0
    try:
        call_command(command, stdout=out, **options)
    except CommandError as error:
        code = error.returncode
    return code, out.getvalue()


def _down():
    start = datetime.now(UTC) - timedelta(seconds=11)
    return observe(make_endpoint("shop", now=start), True, False, False, start=start)


def test_alert_checks_exits_0_while_nothing_fires():
    code, said = _run("alert_checks")

    assert code == 0
    assert "0 firing" in said


def test_alert_checks_exits_1_and_lists_what_fires():
    _down()

    code, said = _run("alert_checks", format="json")

    (alert,) = [one for one in json.loads(said)["firing"] if one["rule"] == "endpoint_down"]
    assert code == 1
    assert (alert["subject"], alert["state"], alert["severity"]) == ("shop", "firing", "P2")


def test_alert_checks_exits_3_when_a_rule_cannot_be_evaluated():
    AlertRule.objects.filter(key="error_rate").update(clear_threshold=99)

    code, said = _run("alert_checks", format="json")

    assert code == 3
    assert "error_rate" in json.loads(said)["fault"]


def test_alert_checks_as_a_job_ends_in_the_ledger():
    _down()
    run = make_run("alert_checks")

    jobs.execute(run.pk)

    run.refresh_from_db()
    assert run.outcome == Outcome.FINDINGS.value
    assert run.summary.startswith("9 rules,")
    assert AlertEpisode.objects.filter(rule_key="endpoint_down").count() == 1


@pytest.mark.parametrize(("kind", "code"), [("good", 0), ("500", 1)])
def test_synthetic_checks_says_what_it_found(settings, kind, code):
    settings.PROBE_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with running_platform() as platform:
        make_endpoint("shop", url=platform.url("shop"), now=datetime.now(UTC))
        platform.fail("shop", kind)

        exited, said = _run("synthetic_checks", format="json")

    report = json.loads(said)
    assert exited == code
    assert (report["probed"], report["failed"]) == (1, code)


def test_synthetic_checks_as_a_job_ends_in_the_ledger():
    run = make_run("synthetic_checks")

    jobs.execute(run.pk)

    run.refresh_from_db()
    assert (run.outcome, run.summary) == (
        "findings",
        "0 endpoints probed, 0 failed. No endpoint is enabled: nothing is watched.",
    )


def test_the_ticks_of_alerts_say_what_they_did(monkeypatch):
    handed = []
    monkeypatch.setattr(tasks.deliver_notices, "delay", lambda **given: handed.append(given))
    make_episode(channels=["console"])

    with enter(control_scope("test")):
        assert tasks.notices_tick() == "1 channels have something to send"
        assert tasks.deliver_notices(**handed[0]) == "console: 1 sent, 0 given up, 0 put off"
        assert tasks.urgent_alerts().startswith("2 rules")

    assert handed == [{"channel": "console"}]
    assert AlertDelivery.objects.get().state == "sent"
