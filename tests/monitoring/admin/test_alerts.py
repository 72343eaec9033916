"""What people do with alerts, rules, silences and maintenance in the admin."""

from datetime import timedelta

import pytest
from django.utils import timezone

from monitoring.models import AlertEpisode, AlertRule, MaintenanceWindow, Silence
from tenancy.context import control_transaction
from tenancy.models import TenantAudit
from tests.factories import core, make_endpoint
from tests.monitoring.alerts import make_episode, rule
from tests.people import browser_of, make_person

pytestmark = pytest.mark.django_db

ALERTS, RULES, SILENCES, WINDOWS = (
    f"/admin/monitoring/{name}/" for name in ("alertepisode", "alertrule", "silence", "maintenancewindow")
)


@pytest.fixture
def otto():
    return browser_of(make_person("otto", "operator"))


def act(action, *rows, **more):
    return {"action": action, "_selected_action": [row.pk for row in rows], **more}


def times(start, end):
    return {
        f"{name}_{part}": f"{moment:{form}}"
        for name, moment in (("starts_at", start), ("ends_at", end))
        for part, form in ((0, "%Y-%m-%d"), (1, "%H:%M:%S"))
    }


def audited():
    with control_transaction("test"):
        rows = TenantAudit.objects.filter(tenant=core(), actor__in=["otto", "ada", "vera"]).order_by("seq")
        return [(row.event, row.actor) for row in rows]


@pytest.mark.parametrize(
    ("action", "state", "event"),
    [("acknowledge", "acknowledged", "alert_acknowledged"), ("resolve", "resolved", "alert_resolved")],
)
def test_an_answer_is_one_service_call_and_one_audit_row(otto, action, state, event):
    episode = make_episode()

    answer = otto.post(ALERTS, act(action, episode, reason="on it"), follow=True)

    episode.refresh_from_db()
    assert episode.state == state
    assert f"1 {state}" in answer.text
    assert audited() == [(event, "otto")]


@pytest.mark.parametrize("action", ["acknowledge", "resolve", "silence"])
def test_an_answer_without_a_reason_is_none(otto, action):
    episode = make_episode()

    answer = otto.post(ALERTS, act(action, episode), follow=True)

    episode.refresh_from_db()
    assert episode.state == "firing"
    assert "Say why" in answer.text
    assert audited() == []


@pytest.mark.parametrize("action", ["acknowledge", "resolve", "silence"])
def test_who_may_only_look_answers_nothing(action):
    episode = make_episode()
    viewer = browser_of(make_person("vera", "reviewer"))

    viewer.post(ALERTS, act(action, episode, reason="x"), follow=True)

    episode.refresh_from_db()
    assert episode.state == "firing"
    assert not Silence.objects.exists()
    assert audited() == []


def test_silencing_an_alert_silences_its_rule_and_subject(otto):
    episode, other = make_episode(), make_episode()

    otto.post(ALERTS, act("silence", episode, reason="deploy", hours="2"))

    row = Silence.objects.get()
    assert (row.rule, row.subjects, row.created_by) == (episode.rule, episode.subject_name, "otto")
    assert row.ends_at - row.starts_at == timedelta(hours=2)
    assert row.subjects != other.subject_name
    assert audited() == [("alerts_silenced", "otto")]


@pytest.mark.parametrize("hours", ["-1", "x", "nan", "100000"])
def test_a_silence_of_no_sensible_length_is_refused(otto, hours):
    answer = otto.post(ALERTS, act("silence", make_episode(), reason="x", hours=hours), follow=True)

    assert "Hours: a number" in answer.text
    assert not Silence.objects.exists()


def test_the_list_can_show_only_what_is_open(otto):
    make_episode()
    make_episode(state="resolved", resolved_at=timezone.now())

    assert otto.get(ALERTS, {"state": "open"}).context["cl"].result_count == 1
    assert otto.get(ALERTS, {"told": "no"}).context["cl"].result_count == 0


def test_the_board_shows_what_fires_and_who_has_it(otto):
    make_episode(summary="shop is down")
    make_episode(state="acknowledged", acknowledged_by="ann", summary="cart is down")
    make_episode(told_at=None, summary="mail is down")

    text = otto.get("/admin/").text

    assert "Firing alerts" in text
    for words in ("shop is down", "acknowledged by ann", "muted ·"):
        assert words in text


def test_an_operator_changes_no_rule(otto):
    answer = otto.post(f"{RULES}{rule('error_rate').pk}/change/", {"threshold": 50})

    assert answer.status_code == 403
    assert rule("error_rate").threshold == 0.5


def _typed(**changes):
    return {
        "name": "Error rate",
        "severity": "P2",
        "enabled": "on",
        "comparison": "above",
        "threshold": "0.5",
        "clear_threshold": "0.4",
        "unit": "%",
        "window_s": "3600",
        "for_s": "0",
        "occurrences": "1",
        "within_s": "0",
        "cool_down_s": "300",
        "remind_every_s": "",
        "channels": ["console", "slack"],
        "subjects": "",
        "pauses_api_days": "on",
        **changes,
    }


def test_the_platform_admin_changes_a_rule_and_it_is_audited():
    ada = browser_of(make_person("ada", "platform admin"))
    row = rule("error_rate")

    answer = ada.post(f"{RULES}{row.pk}/change/", _typed(threshold="1.5", key="another"))

    row.refresh_from_db()
    assert answer.status_code == 302
    assert (row.key, row.threshold, row.channels) == ("error_rate", 1.5, ["console", "slack"])
    assert audited() == [("alert_rule_changed", "ada")]


def test_a_rule_that_contradicts_itself_comes_back_with_the_reason():
    ada = browser_of(make_person("ada", "platform admin"))

    answer = ada.post(f"{RULES}{rule('error_rate').pk}/change/", _typed(clear_threshold="3"))

    assert "The clear threshold 3 must lie below the threshold 0.5." in answer.text
    assert rule("error_rate").clear_threshold == 0.4
    assert audited() == []


def test_the_platform_admin_adds_a_rule():
    ada = browser_of(make_person("ada", "platform admin"))

    ada.post(f"{RULES}add/", _typed(key="error_rate_fast", kind="error_rate", window_s="60"))

    assert AlertRule.objects.get(key="error_rate_fast").window_s == 60
    assert audited() == [("alert_rule_added", "ada")]


def test_a_silence_is_marked_and_ended_but_not_changed(otto):
    now = timezone.now()
    typed = {"rule": "", "subjects": "shop*", "reason": "deploy", **times(now, now + timedelta(hours=1))}

    otto.post(f"{SILENCES}add/", typed)
    row = Silence.objects.get()
    otto.post(f"{SILENCES}{row.pk}/change/", {**typed, "subjects": "*"})
    otto.post(SILENCES, act("end", row))

    row.refresh_from_db()
    assert (row.subjects, row.created_by, row.ended_by) == ("shop*", "otto", "otto")
    assert row.ends_at <= timezone.now()
    assert audited() == [("alerts_silenced", "otto"), ("silence_ended", "otto")]


def test_a_silence_in_the_past_is_refused(otto):
    now = timezone.now()
    typed = {"subjects": "", "reason": "x", **times(now - timedelta(hours=2), now - timedelta(hours=1))}

    answer = otto.post(f"{SILENCES}add/", typed)

    assert "end in the future" in answer.text
    assert not Silence.objects.exists()


def test_maintenance_is_marked_afterwards_and_withdrawn(otto):
    now = timezone.now()
    shop = make_endpoint("shop")
    typed = {
        "title": "move",
        "reason": "planned",
        "component": "",
        "endpoints": [shop.pk],
        "exclude_from_uptime": "on",
        **times(now - timedelta(hours=2), now - timedelta(hours=1)),
    }

    otto.post(f"{WINDOWS}add/", typed)
    row = MaintenanceWindow.objects.get()
    otto.post(WINDOWS, act("withdraw", row))

    row.refresh_from_db()
    assert (row.created_by, row.withdrawn_by, row.retroactive) == ("otto", "otto", True)
    assert list(row.endpoints.all()) == [shop]
    assert (row.mute_alerts, row.exclude_from_uptime) == (False, True)
    assert audited() == [("maintenance_marked", "otto"), ("maintenance_withdrawn", "otto")]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"exclude_from_uptime": ""}, "Choose what it does"),
        ({"all_endpoints": ""}, "Choose the endpoints"),
        ({"reason": ""}, "This field is required"),
    ],
)
def test_maintenance_that_cannot_be_comes_back_with_the_reason(otto, changes, said):
    now = timezone.now()
    typed = {
        "title": "move",
        "reason": "planned",
        "all_endpoints": "on",
        "exclude_from_uptime": "on",
        **times(now, now + timedelta(hours=1)),
        **changes,
    }
    typed = {name: value for name, value in typed.items() if value != ""}

    answer = otto.post(f"{WINDOWS}add/", typed)

    assert said in answer.text
    assert not MaintenanceWindow.objects.exists()


def test_the_staff_of_a_tenant_answer_only_their_own_alerts():
    mine = make_episode()
    tina = make_person("tina", "tenant admin", tenant=core())
    tina.user_permissions.add(*_permission("answer_alert"))
    own = browser_of(tina)

    own.post(ALERTS, act("acknowledge", mine, reason="on it"))
    silenced = own.post(ALERTS, act("silence", mine, reason="x"), follow=True)

    mine.refresh_from_db()
    assert mine.state == "acknowledged"
    assert "Silences are the platform's own." in silenced.text or "own" in silenced.text
    assert not Silence.objects.exists()
    assert AlertEpisode.objects.count() == 1


def _permission(codename):
    from django.contrib.auth.models import Permission

    return Permission.objects.filter(codename=codename)
