import threading
import time
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connections
from django.db.models.functions import Now
from django.utils import timezone

from monitoring.domain.delivery import ChannelName
from monitoring.models import AlertChannel, AlertDelivery, AlertEpisode
from monitoring.services import deliveries
from monitoring.services.deliveries import channels_waiting, deliver, deliver_waiting
from tests.mail_server import running_mail_server
from tests.monitoring.alerts import make_episode
from tests.slack_server import running_slack

pytestmark = pytest.mark.django_db

SLACK, EMAIL, CONSOLE = ChannelName.SLACK, ChannelName.EMAIL, ChannelName.CONSOLE


@pytest.fixture
def slack(settings):
    with running_slack() as server:
        settings.SLACK_WEBHOOK_URL = server.url
        yield server


@pytest.fixture
def mailbox(settings):
    with running_mail_server() as server:
        settings.EMAIL_URL, settings.ALERT_EMAIL_TO = "smtp://127.0.0.1", ["ops@example.com"]
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


@pytest.fixture
def unpaced(monkeypatch):
    monkeypatch.setattr(deliveries, "PACE", {})


def now():
    return timezone.now()


def fresh(count=1, channels=("slack",)):
    return [make_episode(channels=list(channels), fired_at=now(), breached_since=now()) for _ in range(count)]


def row():
    return AlertDelivery.objects.order_by("id").first()


def patience(channel=SLACK):
    """Seconds until the channel is used again; and it is used again at once."""
    kept = AlertChannel.objects.get(pk=channel.value)
    AlertChannel.objects.filter(pk=channel.value).update(next_send_at=None)
    return (kept.next_send_at - now()).total_seconds()


def test_a_notice_is_sent_once_and_keeps_what_the_provider_said(slack):
    (episode,) = fresh()

    first, second = deliver(SLACK), deliver(SLACK)

    assert (first.sent, second.sent) == (1, 0)
    assert (row().state, row().answer, row().attempt) == ("sent", "200 ok", 1)
    assert [entry["answer"] for entry in row().attempts] == ["200 ok"]
    assert len(slack.texts) == 1
    assert episode.subject_name in slack.texts[0]


@pytest.mark.parametrize(
    ("step", "answer", "wait", "duplicate"),
    [
        ((429, {"Retry-After": "9"}), "429 no_service", 9, False),
        ((429, {}), "429 no_service", 1, False),
        ((500, {}), "500 no_service", 1, False),
        ("drop", "no answer", 1, True),
    ],
)
def test_a_notice_that_is_not_taken_is_put_off_and_sent_again(slack, step, answer, wait, duplicate):
    slack.script = [step]
    fresh()

    assert deliver(SLACK).put_off == 1
    put_off = row()
    too_early = deliver(SLACK)
    waited = patience()
    deliver(SLACK)

    assert (put_off.state, put_off.possible_duplicate) == ("pending", duplicate)
    assert put_off.answer.startswith(answer)
    assert too_early.sent == too_early.put_off == 0
    assert wait - 1 < waited <= wait
    assert (row().state, row().attempt) == ("sent", 2)
    assert ("may be a duplicate" in slack.texts[-1]) is duplicate


def test_a_notice_accepted_before_the_time_out_comes_again_and_says_so(slack, monkeypatch):
    monkeypatch.setattr(deliveries.slack, "TIMEOUT_S", 1)
    monkeypatch.setattr(deliveries.slack.post, "__kwdefaults__", {"timeout": 1})
    slack.script = ["accept and hang"]
    fresh()

    deliver(SLACK)
    patience()
    deliver(SLACK)

    assert row().possible_duplicate
    assert len(slack.texts) == 2
    assert "may be a duplicate" not in slack.texts[0]
    assert "may be a duplicate" in slack.texts[1]


def test_a_notice_that_is_refused_is_given_up_and_the_next_one_goes_on(slack, unpaced):
    slack.script = [(404, {})]
    fresh(2)

    done = deliver(SLACK)

    assert (done.failed, done.sent) == (1, 1)
    assert list(AlertDelivery.objects.order_by("id").values_list("state", flat=True)) == ["failed", "sent"]


def test_a_notice_that_could_not_be_told_for_a_day_is_given_up(slack):
    slack.script = [(500, {})]
    fresh()
    AlertDelivery.objects.update(created_at=now() - timedelta(hours=25))

    assert deliver(SLACK).failed == 1
    assert row().state == "failed"


def test_the_order_is_kept_while_the_first_one_waits(slack, unpaced):
    slack.script = [(500, {})]
    episodes = fresh(3)

    deliver(SLACK)
    taken_meanwhile = list(slack.texts)
    patience()
    deliver(SLACK)

    assert taken_meanwhile == []
    assert [text.split("\n")[0] for text in slack.texts] == [
        f"*[P2] Firing: Endpoint down: {episode.subject_name}*" for episode in episodes
    ]


def test_slack_gets_one_notice_a_second(slack):
    fresh(3)

    deliver(SLACK)

    times = [at for at, _ in slack.requests]
    assert len(times) == 3
    assert all(later - earlier >= 1 for earlier, later in pairwise(times))


def test_the_pace_holds_across_turns(slack):
    for _ in range(2):
        fresh(1)
        deliver(SLACK)

    (first, _), (second, _) = slack.requests
    assert second - first >= 1


def test_a_dead_channel_stops_no_other(slack, mailbox, unpaced):
    slack.kill()
    fresh(2, channels=("slack", "email", "console"))

    total = deliver_waiting()

    assert (total.sent, total.put_off) == (4, 1)
    assert len(mailbox.texts) == 2


def test_a_sender_that_died_is_followed_by_one_that_knows_it(slack):
    fresh()
    AlertDelivery.objects.update(sending_since=Now(), attempt=1)
    AlertChannel.objects.filter(pk="slack").update(holder="dead", lease_until=Now() - timedelta(seconds=1))

    deliver(SLACK)

    assert (row().state, row().attempt, row().possible_duplicate) == ("sent", 2, True)
    assert "may be a duplicate" in slack.texts[0]


def test_a_channel_held_by_another_sender_is_left_alone(slack):
    fresh()
    AlertChannel.objects.filter(pk="slack").update(holder="alive", lease_until=Now() + timedelta(seconds=5))

    assert deliver(SLACK).sent == 0
    assert channels_waiting() == []
    assert slack.requests == []


def test_a_sender_that_lost_its_channel_does_not_go_on(slack, unpaced, monkeypatch):
    fresh(2)
    send = deliveries.send_through

    def slow(channel, **notice):
        AlertChannel.objects.filter(pk="slack").update(
            holder="another", lease_until=Now() + timedelta(days=1)
        )
        return send(channel, **notice)

    monkeypatch.setattr(deliveries, "send_through", slow)

    done = deliver(SLACK)

    assert done.sent == 1
    assert AlertChannel.objects.get(pk="slack").holder == "another"


def test_channels_waiting_names_only_what_can_be_sent_now():
    assert channels_waiting() == []
    fresh(channels=("console",))

    assert channels_waiting() == [CONSOLE]


def test_the_console_is_a_line_in_the_log(caplog):
    (episode,) = fresh(channels=("console",))

    deliver(CONSOLE)

    assert [record.getMessage() for record in caplog.records if record.name == "levqor.alerts"] == [
        f"[P2] Firing: Endpoint down: {episode.subject_name} | {episode.summary} | "
        f"Since {episode.breached_since:%Y-%m-%d %H:%M:%S} UTC, "
        f"firing since {episode.fired_at:%Y-%m-%d %H:%M:%S} UTC. | Alert {episode.pk}."
    ]


def test_what_is_not_set_up_is_skipped_and_says_how_to_mend_it():
    fresh(channels=("slack", "email"))

    kept = dict(AlertDelivery.objects.values_list("channel", "answer"))

    assert set(AlertDelivery.objects.values_list("state", flat=True)) == {"skipped"}
    assert "SLACK_WEBHOOK_URL is empty" in kept["slack"]
    assert "EMAIL_URL or ALERT_EMAIL_TO is empty" in kept["email"]


def test_the_database_channel_is_the_row_itself():
    fresh(channels=("database",))

    assert row().state == "sent"


def test_a_storm_of_500_with_an_unsteady_slack_loses_none(slack, mailbox, unpaced):
    steps = [(200, {}), (500, {}), (429, {"Retry-After": "0"}), "drop", (200, {}), (200, {})]
    slack.script = [steps[number % len(steps)] for number in range(600)]
    episodes = fresh(500, channels=("slack", "email"))

    while AlertDelivery.objects.filter(state="pending").exists():
        AlertChannel.objects.update(next_send_at=None)
        for channel in (SLACK, EMAIL):
            deliver(channel, budget_s=60)

    names = [episode.subject_name for episode in episodes]
    told = [text.split("\n")[0].removesuffix("*").rsplit(": ", 1)[1] for text in slack.texts]
    assert told == names
    assert len(mailbox.texts) == 500
    assert set(AlertDelivery.objects.values_list("state", flat=True)) == {"sent"}
    # A connection dropped without an answer may have been a delivery: those that were, are marked.
    drops = sum(
        1 for number in range(600) if steps[number % len(steps)] == "drop" and number < len(slack.requests)
    )
    assert AlertDelivery.objects.filter(channel="slack", possible_duplicate=True).count() == drops


@pytest.mark.django_db(transaction=True)
def test_senders_at_once_send_each_notice_once(slack, unpaced):
    fresh(20)

    def run():
        try:
            deliver(SLACK)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(slack.texts) == len(set(slack.texts)) == 20
    assert AlertEpisode.objects.count() == 20


@pytest.mark.django_db(transaction=True)
def test_a_slack_that_is_killed_and_comes_back_gets_everything(slack, unpaced, monkeypatch):
    monkeypatch.setattr(deliveries, "wait_before", lambda attempt, answer: timedelta(seconds=0.1))
    slack.kill()
    fresh(10)
    for _ in range(3):
        deliver(SLACK)
        time.sleep(0.15)
    refused = row()

    slack.start()
    time.sleep(0.15)
    deliver(SLACK)

    assert refused.state == "pending"
    assert refused.attempt == 3
    assert not AlertDelivery.objects.filter(possible_duplicate=True).exists()
    assert len(slack.texts) == 10
