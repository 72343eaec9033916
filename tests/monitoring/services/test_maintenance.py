from datetime import timedelta

import pytest

from monitoring.domain.strips import TimeState, strip_of
from monitoring.domain.windows import Window
from monitoring.models import AlertEpisode, MaintenanceWindow, Silence
from monitoring.services.alert_answers import UnableToAnswer, acknowledge_alert, resolve_alert
from monitoring.services.alert_rules import UnableToSaveRule, save_rule
from monitoring.services.maintenance import (
    UnableToMark,
    WindowTerms,
    end_maintenance,
    end_silence,
    mark_maintenance,
    silence_alerts,
    withdraw_maintenance,
)
from monitoring.services.uptime import endpoint_records, platform_uptime
from tenancy.context import control_transaction
from tenancy.models import TenantAudit
from tests.factories import NOON, core, make_endpoint
from tests.monitoring.alerts import evaluate, make_episode, notices, observe, rule

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def audited():
    """Every audit entry of this test, as (event, actor)."""
    with control_transaction("test"):
        rows = TenantAudit.objects.filter(tenant=core()).exclude(actor="migration").order_by("seq")
        return [(row.event, row.actor) for row in rows]


def told(episode):
    return [(event, state) for event, channel, state in notices(episode) if channel == "database"]


def silence(**changes):
    values = {
        "rule": None,
        "subjects": "shop*",
        "starts_at": NOON - HOUR,
        "ends_at": NOON + HOUR,
        "reason": "deploy",
        "actor": "ann",
        "now": NOON,
    }
    return silence_alerts(**{**values, **changes})


def mark(**changes):
    values = {
        "title": "database move",
        "reason": "planned",
        "starts_at": NOON,
        "ends_at": NOON + HOUR,
        "all_endpoints": True,
        "mute_alerts": False,
        "exclude_from_uptime": True,
    }
    now = changes.pop("now", NOON)
    return mark_maintenance(WindowTerms(**{**values, **changes}), actor="ann", now=now)


def test_acknowledging_keeps_who_and_why_and_tells_it():
    episode = make_episode(channels=["database"])

    acknowledge_alert(episode_id=episode.pk, actor="ann", reason="on it", now=NOON + MINUTE)

    episode.refresh_from_db()
    assert (episode.state, episode.acknowledged_by, episode.acknowledge_reason) == (
        "acknowledged",
        "ann",
        "on it",
    )
    assert told(episode) == [("fired", "sent"), ("acknowledged", "sent")]
    assert audited() == [("alert_acknowledged", "ann")]


def test_resolving_by_hand_ends_it_until_it_is_found_again():
    shop = make_endpoint("shop")
    observe(shop, True, False, False)
    first = AlertEpisode.objects.get()

    resolve_alert(episode_id=first.pk, actor="ann", reason="a false alarm", now=NOON + MINUTE)
    observe(shop, False, start=NOON + MINUTE)
    evaluate("endpoint_down", NOON + 2 * MINUTE)

    first.refresh_from_db()
    assert (first.state, first.resolved_by, first.resolution) == ("resolved", "ann", "a false alarm")
    assert [row.state for row in AlertEpisode.objects.order_by("id")] == ["resolved", "firing"]
    assert audited() == [("alert_resolved", "ann")]


@pytest.mark.parametrize("service", [acknowledge_alert, resolve_alert])
def test_no_answer_without_a_reason_or_to_what_is_over(service):
    episode = make_episode()

    with pytest.raises(UnableToAnswer, match="Say why"):
        service(episode_id=episode.pk, actor="ann", reason="  ", now=NOON)
    with pytest.raises(UnableToAnswer, match="There is no alert 0"):
        service(episode_id=0, actor="ann", reason="x", now=NOON)
    resolve_alert(episode_id=episode.pk, actor="ann", reason="x", now=NOON)
    with pytest.raises(UnableToAnswer, match="is over since"):
        service(episode_id=episode.pk, actor="ann", reason="x", now=NOON)

    assert audited() == [("alert_resolved", "ann")]


def test_an_alert_is_acknowledged_once():
    episode = make_episode()
    acknowledge_alert(episode_id=episode.pk, actor="ann", reason="on it", now=NOON)

    with pytest.raises(UnableToAnswer, match="already, by ann: on it"):
        acknowledge_alert(episode_id=episode.pk, actor="bob", reason="me too", now=NOON)


def test_a_silenced_alert_fires_and_is_kept_but_nobody_is_told():
    silence()

    observe(make_endpoint("shop"), True, False, False, True)

    (episode,) = AlertEpisode.objects.all()
    assert episode.state == "resolved"
    assert told(episode) == [("fired", "skipped"), ("resolved", "skipped")]
    assert "Silenced by ann: deploy" in episode.deliveries.first().answer


def test_what_still_fires_when_the_silence_ends_is_told_then():
    row = silence()
    shop = make_endpoint("shop")
    observe(shop, True, False, False)

    end_silence(silence_id=row.pk, actor="bob", now=NOON + timedelta(seconds=20))
    evaluate("endpoint_down", NOON + timedelta(seconds=30))
    evaluate("endpoint_down", NOON + timedelta(seconds=40))

    (episode,) = AlertEpisode.objects.all()
    assert told(episode) == [("fired", "skipped"), ("fired", "sent")]
    assert audited() == [("alerts_silenced", "ann"), ("silence_ended", "bob")]


@pytest.mark.parametrize(
    "changes", [{"subjects": "checkout"}, {"starts_at": NOON + MINUTE}, {"rule": "error_rate"}]
)
def test_a_silence_silences_nothing_else(changes):
    if "rule" in changes:
        changes = {"rule": rule(changes["rule"])}
    silence(**changes)

    observe(make_endpoint("shop"), True, False, False)

    assert told(AlertEpisode.objects.get()) == [("fired", "sent")]


def test_whoever_was_told_of_the_beginning_is_told_of_the_end():
    shop = make_endpoint("shop")
    observe(shop, True, False, False)
    silence(starts_at=NOON + timedelta(seconds=11))

    observe(shop, True, start=NOON + timedelta(seconds=15))

    assert told(AlertEpisode.objects.get()) == [("fired", "sent"), ("resolved", "sent")]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"starts_at": NOON + HOUR}, "begin before it ends"),
        ({"ends_at": NOON}, "is over already"),
        ({"reason": " "}, "Say why"),
    ],
)
def test_a_silence_that_cannot_be_is_refused(changes, said):
    with pytest.raises(UnableToMark, match=said):
        silence(**changes)

    assert not Silence.objects.exists()
    assert audited() == []


def test_a_silence_ends_once():
    row = silence()
    end_silence(silence_id=row.pk, actor="ann", now=NOON)

    with pytest.raises(UnableToMark, match="It is over since"):
        end_silence(silence_id=row.pk, actor="ann", now=NOON)


@pytest.mark.parametrize(("mute", "exclude"), [(True, True), (True, False), (False, True)])
def test_the_two_switches_are_separate(mute, exclude):
    shop = make_endpoint("shop", critical=True)
    mark(mute_alerts=mute, exclude_from_uptime=exclude)

    ended = observe(shop, True, False, False, False, False)

    uptime = platform_uptime(Window(NOON, NOON + timedelta(seconds=20)), ended)
    assert told(AlertEpisode.objects.get()) == [("fired", "skipped" if mute else "sent")]
    assert (uptime.excluded_s > 0) is exclude
    assert (uptime.down_s.likely > 0) is not exclude


def test_maintenance_may_be_marked_afterwards_and_withdrawn_again():
    shop = make_endpoint("shop", critical=True)
    now = observe(shop, True, *[False] * 10, True)
    window = Window(NOON, NOON + timedelta(seconds=50))
    down = platform_uptime(window, now).down_s.likely

    marked = mark(starts_at=NOON, ends_at=NOON + MINUTE, now=NOON + 5 * MINUTE)
    excluded = platform_uptime(window, now)
    withdraw_maintenance(window_id=marked.pk, actor="bob", now=NOON + 6 * MINUTE)

    assert down > 30
    assert (excluded.excluded_s, excluded.uptime) == (50, None)
    assert marked.retroactive
    assert platform_uptime(window, now).down_s.likely == down
    assert audited() == [("maintenance_marked", "ann"), ("maintenance_withdrawn", "bob")]
    with pytest.raises(UnableToMark, match="withdrawn already, by bob"):
        withdraw_maintenance(window_id=marked.pk, actor="ann", now=NOON)


@pytest.mark.parametrize(
    ("which", "excluded"),
    [("listed", {"shop"}), ("component", {"shop", "cart"}), ("all", {"shop", "cart", "mail"})],
)
def test_maintenance_is_for_the_endpoints_it_names(which, excluded):
    shop = make_endpoint("shop", component="front")
    endpoints = [shop, make_endpoint("cart", component="front"), make_endpoint("mail", component="back")]
    chosen = {
        "listed": {"all_endpoints": False, "endpoints": [shop]},
        "component": {"all_endpoints": False, "component": "front"},
        "all": {},
    }[which]
    mark(**chosen)

    records = endpoint_records(endpoints, Window(NOON, NOON + HOUR))

    assert {record.key for record in records.values() if record.excluded} == excluded


def test_the_boards_strip_shows_maintenance():
    shop = make_endpoint("shop")
    now = observe(shop, *[True] * 6, step_s=10)
    mark(ends_at=NOON + timedelta(seconds=20))
    window = Window(NOON, NOON + MINUTE)

    strip = strip_of(window, endpoint_records([shop], window)[shop.pk], now, cells=3)

    assert strip[0].state is TimeState.EXCLUDED
    assert TimeState.EXCLUDED not in [stretch.state for stretch in strip[1:]]


def test_running_maintenance_can_end_early_and_no_other():
    running = mark()

    end_maintenance(window_id=running.pk, actor="bob", now=NOON + MINUTE)

    running.refresh_from_db()
    assert running.ends_at == NOON + MINUTE
    assert audited() == [("maintenance_marked", "ann"), ("maintenance_ended", "bob")]
    with pytest.raises(UnableToMark, match="does not run now"):
        end_maintenance(window_id=running.pk, actor="bob", now=NOON + HOUR)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ends_at": NOON}, "begin before it ends"),
        ({"exclude_from_uptime": False}, "Choose what it does"),
        ({"all_endpoints": False}, "Choose the endpoints"),
        ({"reason": ""}, "Say why"),
    ],
)
def test_maintenance_that_cannot_be_is_refused(changes, said):
    with pytest.raises(UnableToMark, match=said):
        mark(**changes)

    assert not MaintenanceWindow.objects.exists()


def test_a_changed_rule_is_audited_with_what_was_before():
    row = rule("error_rate")
    row.threshold = 1

    save_rule(row, actor="ann")
    save_rule(row, actor="ann")

    with control_transaction("test"):
        entry = TenantAudit.objects.get(event="alert_rule_changed")
    assert entry.metadata == {"rule": "error_rate", "changed": {"threshold": [0.5, 1]}}


def test_a_rule_that_contradicts_itself_is_not_saved():
    row = rule("error_rate")
    row.clear_threshold = 2

    with pytest.raises(UnableToSaveRule, match="must lie below"):
        save_rule(row, actor="ann")

    assert rule("error_rate").clear_threshold == 0.4


def test_saving_a_rule_does_not_turn_the_evaluation_back():
    row = rule("error_rate")
    evaluate("error_rate", NOON)

    save_rule(row, actor="ann")

    assert rule("error_rate").evaluated_at == NOON
