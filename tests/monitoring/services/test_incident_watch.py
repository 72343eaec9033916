from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from monitoring.domain.observing import Source
from monitoring.models import AlertRule, Incident, IncidentOutage, Outage
from monitoring.services.alerts import evaluate_alerts
from monitoring.services.incident_watch import watch_incidents
from monitoring.services.incidents import UnableToChange, link_outage, resolve_incident
from monitoring.services.maintenance import WindowTerms, mark_maintenance
from monitoring.services.recording import record_probes
from tenancy.context import control_transaction
from tests.factories import NOON, make_endpoint, make_result

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=n) for n in (1, 60, 3600, 86_400))


@pytest.fixture(autouse=True)
def _control():
    with control_transaction("test"):
        yield


def go_down(endpoint, start=NOON, length=6 * MINUTE, *, back=False, step=5 * SECOND):
    """Good before `start`, bad probes for `length`, and good again if it comes `back`."""
    times = [start - 10 * SECOND, *(start + step * n for n in range(int(length / step) + 1))]
    results = [make_result(endpoint, at, ok=at < start) for at in times]
    if back:
        results.append(make_result(endpoint, start + length + step))
    record_probes([(endpoint, result) for result in results], source=Source.MONITOR)


def test_a_long_outage_of_a_critical_endpoint_is_a_p1_dated_back_to_its_first_bad_probe():
    go_down(make_endpoint("shop", critical=True))

    seen = watch_incidents(now=NOON + 6 * MINUTE)

    (incident,) = seen.opened
    assert (incident.severity, incident.title) == ("P1", "shop is down")
    assert incident.opened_at == Outage.objects.get().first_bad_at
    assert incident.opened_at < NOON + SECOND
    assert incident.acknowledge_by == NOON + 21 * MINUTE
    assert "status 500" in incident.summary
    assert seen.sentence == "1 incident opened, 0 outages joined, 0 ends noted."


@pytest.mark.parametrize(
    ("critical", "minutes"),
    [(True, 4), (True, 5), (False, 60)],
    ids=["short", "five minutes", "not critical"],
)
def test_what_is_short_or_not_critical_opens_nothing(critical, minutes):
    go_down(make_endpoint("shop", critical=critical), length=minutes * MINUTE)

    assert not watch_incidents(now=NOON + HOUR).opened


def test_looking_again_opens_nothing_more_even_when_the_incident_was_resolved():
    go_down(make_endpoint("shop", critical=True), back=True)
    (incident,) = watch_incidents(now=NOON + 7 * MINUTE).opened
    resolve_incident(incident_id=incident.pk, resolved_at=NOON + 7 * MINUTE, actor="a", now=NOON + 7 * MINUTE)

    again = watch_incidents(now=NOON + 8 * MINUTE)

    assert not again.opened
    with pytest.raises(IntegrityError), transaction.atomic():
        IncidentOutage.objects.create(incident=incident, outage=Outage.objects.get())


def test_outages_that_overlap_are_one_incident_and_a_later_one_is_another():
    shop, till, blog = (make_endpoint(name, critical=True) for name in ("shop", "till", "blog"))
    go_down(shop, length=20 * MINUTE, back=True)
    go_down(till, start=NOON + 10 * MINUTE, length=10 * MINUTE, back=True)
    go_down(blog, start=NOON + HOUR, length=10 * MINUTE, back=True)

    seen = watch_incidents(now=NOON + 2 * HOUR)

    assert [incident.title for incident in seen.opened] == ["shop is down", "blog is down"]
    assert seen.joined == 1
    assert {link.outage.endpoint.name for link in seen.opened[0].outage_links.all()} == {"shop", "till"}


def test_planned_work_is_no_incident():
    shop = make_endpoint("shop", critical=True)
    go_down(shop, length=8 * MINUTE)
    terms = WindowTerms(
        "Move", "new disks", NOON, NOON + 4 * MINUTE, exclude_from_uptime=True, endpoints=[shop]
    )
    mark_maintenance(terms, actor="ada", now=NOON)

    assert not watch_incidents(now=NOON + 9 * MINUTE).opened
    go_down(shop, start=NOON + 8 * MINUTE, length=2 * MINUTE)
    assert watch_incidents(now=NOON + 11 * MINUTE).opened


def test_time_that_nobody_saw_does_not_make_it_long():
    shop = make_endpoint("shop", critical=True)
    go_down(shop, length=MINUTE)
    # The prober was away for an hour; then the endpoint fails once more.
    record_probes([(shop, make_result(shop, NOON + HOUR, ok=False))], source=Source.MONITOR)

    assert not watch_incidents(now=NOON + HOUR).opened


def test_the_time_line_says_when_the_endpoint_answers_again_once():
    go_down(make_endpoint("shop", critical=True), back=True)
    (incident,) = watch_incidents(now=NOON + 7 * MINUTE).opened

    watch_incidents(now=NOON + 8 * MINUTE)

    entries = incident.entries.order_by("written_at", "id")
    assert [entry.kind for entry in entries] == ["opened", "linked", "updated"]
    assert entries[2].text == "shop answers again since 12:06:05 UTC."
    assert Incident.objects.get().resolved_at is None


def test_an_outage_of_imported_history_is_a_p1_that_is_over():
    go_down(make_endpoint("shop", critical=True), start=NOON - 3 * DAY, back=True)

    (incident,) = watch_incidents(now=NOON).opened

    incident.refresh_from_db()
    assert incident.resolved_at == Outage.objects.get().first_good_at
    assert incident.entries.filter(kind="resolved").get().text == "It was over when it became known."


def test_an_alert_opens_an_incident_when_its_rule_says_so():
    go_down(make_endpoint("blog"))
    evaluate_alerts(now=NOON + 6 * MINUTE)
    assert not watch_incidents(now=NOON + 6 * MINUTE).opened
    AlertRule.objects.filter(key="endpoint_down").update(opens_incident=True)

    (incident,) = watch_incidents(now=NOON + 7 * MINUTE).opened

    assert (incident.severity, incident.title) == ("P2", "Alert endpoint_down: blog")
    assert [episode.rule_key for episode in incident.alerts.all()] == ["endpoint_down"]
    assert not watch_incidents(now=NOON + 8 * MINUTE).opened


def test_an_outage_is_part_of_one_incident():
    go_down(make_endpoint("shop", critical=True))
    (incident,) = watch_incidents(now=NOON + 6 * MINUTE).opened

    with pytest.raises(UnableToChange, match=f"incident {incident.pk} already"):
        link_outage(incident_id=incident.pk, outage=Outage.objects.get(), actor="a", now=NOON)


def test_watching_costs_little_when_nothing_is_new():
    go_down(make_endpoint("shop", critical=True))
    watch_incidents(now=NOON + 6 * MINUTE)

    with CaptureQueriesContext(connection) as caught:
        watch_incidents(now=NOON + 7 * MINUTE)

    # The lock and three looks; a savepoint opens and closes around them.
    assert len([query for query in caught if "SAVEPOINT" not in query["sql"]]) == 4
