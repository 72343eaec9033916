from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from monitoring.domain.alerting import RuleKind
from monitoring.domain.observing import Source
from monitoring.models import (
    AlertDelivery,
    AlertEpisode,
    AlertRule,
    AlertTrack,
    BeatLease,
    CostEntry,
    Endpoint,
    EndpointState,
)
from monitoring.services import slo_conditions as slos
from monitoring.services.alerts import UnableToEvaluate, evaluate_alerts
from monitoring.services.recording import record_probes
from monitoring.services.schedules import sync_schedule_rows
from monitoring.services.slo_conditions import SloCondition, provide_slo_conditions
from tests.factories import NOON, make_endpoint, make_result
from tests.monitoring.alerts import evaluate, make_episode, notices, observe, rule
from tests.monitoring.runs import make_run

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def story():
    """Every alert so far, as (rule, subject, state)."""
    return list(AlertEpisode.objects.order_by("id").values_list("rule_key", "subject_name", "state"))


def test_the_nine_rules_are_seeded():
    rows = {r.key: (r.severity, r.threshold, r.unit) for r in AlertRule.objects.all()}

    assert rows == {
        "error_rate": ("P2", 0.5, "%"),
        "5xx_burst": ("P2", 5, "answers"),
        "daily_cost": ("P3", 10, "USD"),
        "endpoint_down": ("P2", 1, ""),
        "slo_burn": ("P2", 1, "x"),
        "slo_no_data": ("P3", 1, ""),
        "certificate": ("P3", 14, "days"),
        "job_late_or_failed": ("P3", 1, ""),
        "beat_silent": ("P1", 30, "s"),
    }
    assert all(r.terms for r in AlertRule.objects.all())


def _error_rate():
    shop = make_endpoint("shop")
    observe(shop, *[True] * 199, False, step_s=1)
    yield NOON + 4 * MINUTE, 0
    observe(shop, False, start=NOON + 5 * MINUTE)
    yield NOON + 6 * MINUTE, 1
    observe(shop, *[True] * 300, start=NOON + 7 * MINUTE, step_s=1)
    yield NOON + 13 * MINUTE, 0


def _server_errors():
    shop = make_endpoint("shop")
    observe(shop, *[False] * 5, step_s=10)
    yield NOON + MINUTE, 0
    # Six within 60 s across the edge of a calendar minute, and over before anybody looks.
    observe(shop, False, start=NOON + timedelta(seconds=58))
    yield NOON + 4 * MINUTE, 1
    yield NOON + 9 * MINUTE, 0


def _daily_cost():
    today = NOON.date()
    CostEntry.objects.create(day=today, service="db", amount=10, kind="fixed", source="test")
    yield NOON, 0
    more = CostEntry.objects.create(day=today, service="llm", amount="0.01", kind="metered", source="test")
    yield NOON + MINUTE, 1
    more.delete()
    yield NOON + 2 * MINUTE, 0


def _endpoint_down():
    shop = make_endpoint("shop")
    observe(shop, True, False)
    yield NOON + timedelta(seconds=6), 0
    observe(shop, False, start=NOON + timedelta(seconds=10))
    yield NOON + timedelta(seconds=11), 1
    observe(shop, True, start=NOON + timedelta(seconds=15))
    yield NOON + timedelta(seconds=16), 0


def _certificate():
    shop = make_endpoint("shop")
    for minute, days, firing in ((0, 14, 0), (1, 13.9, 1), (2, 14.5, 1), (3, 90, 0)):
        now = NOON + minute * MINUTE
        EndpointState.objects.filter(endpoint=shop).update(certificate_expires_at=now + timedelta(days=days))
        yield now, firing


def _job():
    sync_schedule_rows()
    # The schedule rows are of now, by the database's clock.
    now = datetime.now(UTC)
    slot = now.replace(minute=0, second=0, microsecond=0)
    make_run("kv_cost_sync", slot - timedelta(hours=1), state="done", outcome="ok")
    yield now, 0
    failed = make_run("kv_cost_sync", slot, state="done", outcome="error", summary="no rates")
    yield now, 1
    failed.outcome = "ok"
    failed.save()
    yield now, 0


def _beat():
    lease = BeatLease.objects.create(heartbeat_at=Now())
    yield NOON, 0
    BeatLease.objects.update(heartbeat_at=Now() - timedelta(seconds=31))
    yield NOON + MINUTE, 0  # it must last for 30 s
    yield NOON + MINUTE + timedelta(seconds=30), 1
    BeatLease.objects.filter(pk=lease.pk).update(heartbeat_at=Now())
    yield NOON + 2 * MINUTE, 0


@pytest.fixture
def slo(monkeypatch):
    """What the SLOs are said to be; changed by the test."""
    said = {}
    monkeypatch.setattr(slos, "_providers", {})

    @provide_slo_conditions
    def conditions(now):
        return [SloCondition("slo:1", "availability", said["burn"], said["no_data"], "Said by the test.")]

    return said


def _slo_burn(slo):
    for minute, burn, firing in ((0, 0.9, 0), (1, 1.0, 1), (2, None, 1), (3, 0.5, 0)):
        slo |= {"burn": burn, "no_data": False}
        yield NOON + minute * MINUTE, firing


def _slo_no_data(slo):
    for minute, no_data, firing in ((0, False, 0), (1, True, 1), (2, False, 0)):
        slo |= {"burn": None, "no_data": no_data}
        yield NOON + minute * MINUTE, firing


STORIES = {
    "error_rate": _error_rate,
    "5xx_burst": _server_errors,
    "daily_cost": _daily_cost,
    "endpoint_down": _endpoint_down,
    "slo_burn": _slo_burn,
    "slo_no_data": _slo_no_data,
    "certificate": _certificate,
    "job_late_or_failed": _job,
    "beat_silent": _beat,
}


@pytest.mark.parametrize("key", STORIES)
def test_each_seeded_rule_fires_and_resolves_once(key, slo):
    AlertRule.objects.exclude(key=key).update(enabled=False)
    tell = STORIES[key]
    acts = tell(slo) if key.startswith("slo") else tell()
    # The error rate looks back an hour; a shorter look lets it recover within the story.
    if key == "error_rate":
        rule(key, window_s=360)

    for now, firing in acts:
        evaluate(key, now)
        assert AlertEpisode.objects.open().count() == firing, now

    (episode,) = AlertEpisode.objects.all()
    assert (episode.rule_key, episode.state) == (key, "resolved")
    assert [event for event, channel, _ in notices(episode) if channel == "database"] == ["fired", "resolved"]


def test_nothing_known_raises_no_alert():
    evaluation = evaluate_alerts(now=NOON, kinds=[kind for kind in RuleKind if kind is not RuleKind.BEAT])

    assert story() == []
    assert evaluation.rules == 8


def test_an_outage_is_an_alert_with_the_probe_that_confirms_it():
    shop = make_endpoint("shop")

    ended = observe(shop, True, False, False)

    (episode,) = AlertEpisode.objects.all()
    assert (episode.subject_name, episode.state, episode.fired_at) == ("shop", "firing", ended)
    assert "status 500 instead of 200" in episode.summary
    assert episode.endpoint == shop


def test_the_end_of_an_outage_ends_the_alert_at_once():
    shop = make_endpoint("shop")

    ended = observe(shop, True, False, False, False, True)

    (episode,) = AlertEpisode.objects.all()
    assert (episode.state, episode.resolved_at) == ("resolved", ended)


def test_imported_outages_are_no_news():
    shop = make_endpoint("shop")
    results = [make_result(shop, NOON + timedelta(seconds=5 * n), ok=False) for n in range(3)]

    record_probes([(shop, result) for result in results], source=Source.IMPORT)

    assert story() == []


def test_a_blip_is_no_alert():
    observe(make_endpoint("shop"), True, False, True, False, True)

    assert story() == []


def test_so_many_blips_in_so_many_minutes_are_an_alert():
    rule("endpoint_down", occurrences=3, within_s=120)
    shop = make_endpoint("shop")

    observe(shop, True, False, True, False, True, step_s=10)
    evaluate("endpoint_down", NOON + MINUTE)
    early = story()
    observe(shop, False, True, start=NOON + 70 * timedelta(seconds=1))
    evaluate("endpoint_down", NOON + 80 * timedelta(seconds=1))
    firing = story()
    evaluate("endpoint_down", NOON + 140 * timedelta(seconds=1))

    assert early == []
    assert firing == [("endpoint_down", "shop", "firing")]
    assert story() == [("endpoint_down", "shop", "resolved")]


def test_an_endpoint_that_nobody_looks_at_keeps_its_alert():
    shop = make_endpoint("shop")
    observe(shop, True, False, False)

    evaluate("endpoint_down", NOON + timedelta(hours=1))
    Endpoint.objects.update(enabled=False)
    evaluate("endpoint_down", NOON + timedelta(hours=2))

    assert story() == [("endpoint_down", "shop", "firing")]


def test_a_rule_may_ask_that_it_lasts():
    rule("endpoint_down", for_s=60)
    shop = make_endpoint("shop")
    observe(shop, True, *[False] * 5, step_s=10)
    early = story()

    observe(shop, False, False, start=NOON + timedelta(seconds=70))
    evaluate("endpoint_down", NOON + timedelta(seconds=85))

    assert early == []
    (episode,) = AlertEpisode.objects.all()
    # Since the outage was confirmed, not since it had lasted long enough.
    assert episode.breached_since == NOON + timedelta(seconds=20, milliseconds=20)


def test_a_rule_looks_only_at_the_subjects_it_names():
    rule("endpoint_down", subjects="SHOP*")
    observe(make_endpoint("shop eu"), True, False, False)
    observe(make_endpoint("checkout"), True, False, False)

    assert story() == [("endpoint_down", "shop eu", "firing")]


def test_one_episode_for_one_subject_however_often_it_is_evaluated():
    observe(make_endpoint("shop"), True, False, False)
    before = AlertDelivery.objects.count()

    for second in range(20, 30):
        evaluate("endpoint_down", NOON + timedelta(seconds=second))

    assert len(story()) == 1
    assert AlertDelivery.objects.count() == before


def test_the_database_allows_one_open_alert_of_a_subject():
    first = make_episode()

    with pytest.raises(IntegrityError, match="alert_episode_open_once"), transaction.atomic():
        make_episode(subject=first.subject)


def test_a_cool_down_holds_the_next_alert_back():
    rule("endpoint_down", cool_down_s=60)
    shop = make_endpoint("shop")
    observe(shop, True, False, False, True, False, False)
    meanwhile = story()

    observe(shop, False, start=NOON + timedelta(seconds=70))
    evaluate("endpoint_down", NOON + timedelta(seconds=80))

    assert meanwhile == [("endpoint_down", "shop", "resolved")]
    assert story() == [("endpoint_down", "shop", "resolved"), ("endpoint_down", "shop", "firing")]


def test_reminders_come_only_where_they_are_asked_for():
    shop = make_endpoint("shop")
    observe(shop, True, False, False)
    rule("endpoint_down", channels=["database"], remind_every_s=60)

    for minute in (1, 2, 3):
        observe(shop, False, start=NOON + minute * MINUTE + timedelta(seconds=20))
        evaluate("endpoint_down", NOON + minute * MINUTE + timedelta(seconds=30))

    (episode,) = AlertEpisode.objects.all()
    assert [event for event, channel, _ in notices(episode) if channel == "database"] == [
        "fired",
        *["reminder"] * 3,
    ]


def test_a_rule_that_is_switched_off_leaves_no_alert_behind():
    observe(make_endpoint("shop"), True, False, False)
    rule("endpoint_down", enabled=False)

    evaluate("endpoint_down", NOON + MINUTE)

    (episode,) = AlertEpisode.objects.all()
    assert (episode.state, episode.resolution) == ("resolved", "The rule was switched off.")
    assert not AlertTrack.objects.exists()


def test_a_rule_that_contradicts_itself_is_named_and_harms_no_other():
    observe(make_endpoint("shop"), True, False, False)
    rule("error_rate", clear_threshold=99)
    observe(make_endpoint("checkout"), False, start=NOON)
    AlertRule.objects.filter(key="beat_silent").update(enabled=False)
    AlertRule.objects.filter(key="endpoint_down").update(evaluated_at=None)

    with pytest.raises(UnableToEvaluate, match="error_rate: The clear threshold 99 must lie below"):
        evaluate_alerts(now=NOON + MINUTE)

    assert rule("endpoint_down").evaluated_at == NOON + MINUTE
    assert rule("error_rate").evaluated_at is None


def test_a_rule_that_fails_is_told_and_harms_no_other(monkeypatch):
    def fail(now):
        raise ZeroDivisionError("no objective")

    monkeypatch.setattr(slos, "_providers", {"broken": fail})
    AlertRule.objects.filter(key="beat_silent").update(enabled=False)

    with pytest.raises(UnableToEvaluate, match="ZeroDivisionError: no objective"):
        evaluate_alerts(now=NOON)

    assert rule("job_late_or_failed").evaluated_at == NOON


def test_a_probe_is_recorded_whatever_a_rule_says():
    rule("endpoint_down", clear_threshold=5)

    observe(make_endpoint("shop"), True, False, False)

    assert EndpointState.objects.get().standing == "down"
    assert story() == []


def test_a_batch_of_outages_takes_as_many_statements_as_one():
    def go_down(count):
        endpoints = [make_endpoint() for _ in range(count)]
        for ok, second in ((True, 0), (False, 5)):
            at = NOON + timedelta(seconds=second)
            record_probes([(e, make_result(e, at, ok=ok)) for e in endpoints], source=Source.MONITOR)
        at = NOON + timedelta(seconds=10)
        with CaptureQueriesContext(connection) as queries:
            record_probes([(e, make_result(e, at, ok=False)) for e in endpoints], source=Source.MONITOR)
        return len(queries)

    go_down(2)  # the first batch of a session makes its stage table
    assert go_down(1) == go_down(30)
    assert AlertEpisode.objects.count() == 33


def test_alert_checks_does_not_alarm_about_its_own_run():
    sync_schedule_rows()
    now = datetime.now(UTC)
    slot = now.replace(second=0, microsecond=0)
    make_run("alert_checks", slot - 5 * MINUTE, state="done", outcome="error", summary="broken")
    evaluate("job_late_or_failed", now)
    firing = story()
    make_run("alert_checks", slot, state="done", outcome="findings")
    make_run("alert_checks", slot + MINUTE, state="running", started_at=now)

    evaluate("job_late_or_failed", now + MINUTE)

    assert firing == [("job_late_or_failed", "Alert threshold checks", "firing")]
    assert story() == [("job_late_or_failed", "Alert threshold checks", "resolved")]


def test_a_job_that_failed_and_runs_again_is_not_well_yet():
    sync_schedule_rows()
    now = datetime.now(UTC)
    slot = now.replace(second=0, microsecond=0)
    make_run("alert_checks", slot - 5 * MINUTE, state="done", outcome="error", summary="broken")
    evaluate("job_late_or_failed", now)
    make_run("alert_checks", slot, state="running", started_at=now)

    evaluate("job_late_or_failed", now)

    assert story() == [("job_late_or_failed", "Alert threshold checks", "firing")]
