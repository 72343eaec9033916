from datetime import timedelta

import pytest
from django.db import OperationalError
from django.db.models.functions import Now

from monitoring.domain.delivery import Outcome
from monitoring.models import AlertDelivery, AlertEpisode, BeatLease
from monitoring.services import deliveries, direct_alarms
from monitoring.services.direct_alarms import DirectAlarms
from monitoring.services.watchdog import Finding
from tests.factories import NOON
from tests.monitoring.alerts import make_episode
from tests.slack_server import running_slack

pytestmark = pytest.mark.django_db

HALF = timedelta(seconds=30)
DATABASE = Finding("database", "The database does not answer.")
WORKER = Finding("worker", "No worker gives a sign (never seen).")


@pytest.fixture
def slack(settings, monkeypatch):
    monkeypatch.setattr(deliveries, "PACE", {})
    with running_slack() as server:
        settings.SLACK_WEBHOOK_URL = server.url
        yield server


@pytest.fixture
def no_database(monkeypatch):
    def refuse(*args, **kwargs):
        raise OperationalError("connection refused")

    monkeypatch.setattr(direct_alarms, "evaluate_alerts", refuse)
    monkeypatch.setattr(direct_alarms, "deliver_waiting", refuse)


def first_lines(slack):
    return [text.split("\n")[0].strip("*") for text in slack.texts]


def test_what_is_wrong_for_30_seconds_is_told_once_and_its_end_once(slack, no_database):
    alarms = DirectAlarms()

    for look, findings in enumerate([[DATABASE]] * 5 + [[]] * 3):
        alarms.tell(findings, NOON + look * timedelta(seconds=10))

    assert first_lines(slack) == [
        "[P1] The portal itself: database",
        "[P1] Over: the portal itself: database",
    ]
    assert "The database does not answer." in slack.texts[0]


def test_a_restart_is_no_alarm(slack, no_database):
    alarms = DirectAlarms()

    for look, findings in enumerate([[DATABASE]] * 3 + [[]]):
        alarms.tell(findings, NOON + look * timedelta(seconds=9))

    assert slack.requests == []


def test_what_slack_does_not_take_comes_again(slack, no_database):
    slack.script = [(500, {}), "drop"]
    alarms = DirectAlarms()

    for look in range(4):
        alarms.tell([DATABASE], NOON + look * HALF)

    assert len(slack.requests) == 3
    assert first_lines(slack) == ["[P1] The portal itself: database"]


def test_a_notice_that_is_refused_is_not_sent_for_ever(slack, no_database):
    slack.script = [(404, {})]
    alarms = DirectAlarms()

    for look in range(4):
        alarms.tell([DATABASE], NOON + look * HALF)

    assert len(slack.requests) == 1


def test_beats_silence_is_an_alert_of_its_rule_sent_without_celery(slack):
    BeatLease.objects.create(heartbeat_at=Now() - timedelta(seconds=60))
    alarms = DirectAlarms()
    beat = Finding("beat", "Beat is silent.")

    for look in range(5):
        alarms.tell([beat], NOON + look * timedelta(seconds=10))

    (episode,) = AlertEpisode.objects.all()
    assert (episode.rule_key, episode.state) == ("beat_silent", "firing")
    assert first_lines(slack) == ["[P1] Firing: Beat silent: beat"]
    assert AlertDelivery.objects.get(channel="slack").state == "sent"


def test_while_no_worker_lives_the_watchdog_sends_what_waits(slack):
    BeatLease.objects.create(heartbeat_at=Now())
    episode = make_episode(channels=["slack"])

    DirectAlarms().tell([WORKER], NOON)

    assert first_lines(slack) == [f"[P2] Firing: Endpoint down: {episode.subject_name}"]


def test_while_all_is_well_the_workers_send_and_not_the_watchdog(slack):
    BeatLease.objects.create(heartbeat_at=Now())
    make_episode(channels=["slack"])

    DirectAlarms().tell([], NOON)

    assert slack.requests == []


def test_send_through_a_channel_says_what_came_of_it(slack):
    answer = deliveries.send_through(deliveries.ChannelName.DATABASE, line="x", body="y", key="z")

    assert answer.outcome is Outcome.SENT
