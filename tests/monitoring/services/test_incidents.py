from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from monitoring.domain.observing import Severity
from monitoring.domain.policy import Policy
from monitoring.domain.windows import Window
from monitoring.models import Incident, IncidentEntry
from monitoring.services.evidence import gather_evidence
from monitoring.services.incidents import (
    PostMortem,
    UnableToChange,
    UnableToOpen,
    UnableToResolve,
    acknowledge_incident,
    open_incident,
    reclassify_incident,
    reopen_incident,
    resolve_incident,
    update_incident,
    write_post_mortem,
)
from monitoring.services.known import Knowledge
from tenancy.context import control_transaction
from tenancy.models import TenantAudit
from tests.factories import NOON

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def _control():
    with control_transaction("test"):
        yield


def opened(at=NOON, severity=Severity.P1):
    return open_incident(
        title="It broke", severity=severity, summary="All of it.", opened_at=at, actor="ada", now=NOON
    )


def kinds(incident):
    return [entry.kind for entry in incident.entries.order_by("written_at", "id")]


def resolve(incident, at, **fields):
    return resolve_incident(
        **{"incident_id": incident.pk, "resolved_at": at, "actor": "ada", "now": at, **fields}
    )


def test_open_incident_names_who_opened_it_and_by_when_somebody_must_have_it():
    incident = opened(NOON - HOUR)

    assert (incident.opened_by, incident.severity, incident.resolved_at) == ("ada", "P1", None)
    assert list(Incident.objects.open()) == [incident]
    # From when it was known, not from when it began.
    assert incident.acknowledge_by == NOON + 15 * MINUTE
    assert (kinds(incident), incident.created_at) == (["opened"], NOON)


def test_open_incident_refuses_the_future():
    with pytest.raises(UnableToOpen, match="in the future"):
        opened(NOON + HOUR)


def test_everything_done_is_one_entry_and_one_audit_row():
    incident = opened()
    acknowledge_incident(incident_id=incident.pk, actor="bob", now=NOON + MINUTE)
    update_incident(incident_id=incident.pk, text=" The disk is full. ", actor="bob", now=NOON + 2 * MINUTE)
    reclassify_incident(
        incident_id=incident.pk, severity=Severity.P2, reason="half works", actor="bob", now=NOON + 3 * MINUTE
    )
    resolve(incident, NOON + HOUR, text="Made room.")
    reopen_incident(incident_id=incident.pk, reason="full again", actor="bob", now=NOON + 2 * HOUR)
    write_post_mortem(
        incident_id=incident.pk,
        post_mortem=PostMortem(root_cause="No alert on disks", action_items="alert on disks, bob, May"),
        actor="bob",
        now=NOON + DAY,
    )

    expected = ["opened", "acknowledged", "updated", "reclassified", "resolved", "reopened", "post_mortem"]
    assert kinds(incident) == expected
    audited = TenantAudit.objects.filter(event__startswith="incident_").order_by("pk")
    assert [row.event for row in audited] == [f"incident_{kind}" for kind in expected]
    incident.refresh_from_db()
    assert (incident.severity, incident.resolved_at, incident.root_cause) == ("P2", None, "No alert on disks")
    assert incident.acknowledged_by == "bob"


@pytest.mark.parametrize("change", ["UPDATE incident_entries SET text = 'x'", "DELETE FROM incident_entries"])
def test_the_time_line_is_append_only_for_whoever_reaches_the_database(change):
    from django.db import connection

    opened()

    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)
    assert IncidentEntry.objects.count() == 1


def test_reclassifying_begins_the_time_to_acknowledge_anew():
    incident = opened(severity=Severity.P4)

    changed = reclassify_incident(
        incident_id=incident.pk, severity=Severity.P1, reason="worse", actor="a", now=NOON + HOUR
    )

    assert changed.acknowledge_by == NOON + HOUR + 15 * MINUTE


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (lambda i: update_incident(incident_id=i.pk, text=" ", actor="a", now=NOON), "Say what is new"),
        (
            lambda i: reclassify_incident(
                incident_id=i.pk, severity=Severity.P1, reason="x", actor="a", now=NOON
            ),
            "P1 already",
        ),
        (
            lambda i: reclassify_incident(
                incident_id=i.pk, severity=Severity.P2, reason=" ", actor="a", now=NOON
            ),
            "Say why",
        ),
        (lambda i: reopen_incident(incident_id=i.pk, reason="x", actor="a", now=NOON), "is open"),
        (
            lambda i: write_post_mortem(incident_id=i.pk, post_mortem=PostMortem(), actor="a", now=NOON),
            "says this already",
        ),
        (lambda i: acknowledge_incident(incident_id=0, actor="a", now=NOON), "no incident 0"),
    ],
)
def test_what_cannot_be_is_refused_and_says_why(act, told):
    incident = opened()

    with pytest.raises(UnableToChange, match=told):
        act(incident)
    assert kinds(incident) == ["opened"]


def test_acknowledging_twice_names_who_has_it():
    incident = opened()
    acknowledge_incident(incident_id=incident.pk, actor="bob", now=NOON)

    with pytest.raises(UnableToChange, match="by bob"):
        acknowledge_incident(incident_id=incident.pk, actor="ada", now=NOON)


def test_what_is_resolved_need_not_be_acknowledged():
    incident = opened()
    resolve(incident, NOON)

    with pytest.raises(UnableToChange, match="is resolved"):
        acknowledge_incident(incident_id=incident.pk, actor="ada", now=NOON)


def test_resolve_incident_ends_it():
    incident = opened()

    resolve(incident, NOON + HOUR, now=NOON + 2 * HOUR)

    incident.refresh_from_db()
    assert (incident.resolved_at, incident.ended_written_at) == (NOON + HOUR, NOON + 2 * HOUR)


@pytest.mark.parametrize(
    ("resolved_at", "told"), [(NOON - HOUR, "ended later"), (NOON + 2 * HOUR, "in the future")]
)
def test_resolve_incident_refuses_an_impossible_end(resolved_at, told):
    incident = opened()

    with pytest.raises(UnableToResolve, match=told):
        resolve(incident, resolved_at, now=NOON + HOUR)


def test_resolve_incident_does_so_once():
    incident = opened()
    resolve(incident, NOON)

    with pytest.raises(UnableToResolve, match="resolved already"):
        resolve(incident, NOON)


def p1s(now):
    """What the P1 gate sees of the seven days before `now`."""
    evidence = gather_evidence(
        now=now,
        window=Window(now - 7 * DAY, now),
        policy=Policy(),
        knowledge=Knowledge(at=now, sealed=True),
    )
    found = [one for one in evidence.incidents.incidents if one.is_p1]
    return [(one.title, one.resolved_at) for one in found if one.touches(now - 7 * DAY, now)]


def test_the_gate_goes_on_counting_a_p1_that_was_lowered():
    incident = opened(NOON - HOUR)
    reclassify_incident(
        incident_id=incident.pk, severity=Severity.P3, reason="was none", actor="a", now=NOON + HOUR
    )

    assert p1s(NOON + 2 * HOUR) == [("It broke (re-classified as P3)", None)]


def test_the_gate_sees_what_was_known_at_the_judged_moment():
    incident = opened(NOON - HOUR, severity=Severity.P3)
    reclassify_incident(
        incident_id=incident.pk, severity=Severity.P1, reason="it is all", actor="a", now=NOON + HOUR
    )
    resolve(incident, NOON + 2 * HOUR, now=NOON + 3 * HOUR)

    assert p1s(NOON - MINUTE) == []  # nobody had written it down
    assert p1s(NOON + 30 * MINUTE) == []  # it was a P3 then
    assert p1s(NOON + 90 * MINUTE) == [("It broke", None)]
    assert p1s(NOON + 4 * HOUR) == [("It broke", NOON + 2 * HOUR)]


def test_the_gate_tells_an_old_moment_again_though_the_incident_was_closed_backdated():
    incident = opened(NOON - HOUR)
    # Eight days later somebody writes that it ended at once.
    resolve(incident, NOON - 50 * MINUTE, now=NOON + 8 * DAY)

    assert p1s(NOON + 7 * DAY) == [("It broke", None)]
    assert p1s(NOON + 8 * DAY) == []


def test_a_reopened_incident_is_open_for_the_gate():
    incident = opened(NOON - HOUR)
    resolve(incident, NOON)
    reopen_incident(incident_id=incident.pk, reason="again", actor="a", now=NOON + HOUR)

    assert p1s(NOON + 9 * DAY) == [("It broke", None)]
    assert p1s(NOON + MINUTE) == [("It broke", NOON)]


def test_an_incident_of_before_there_were_entries_counts_as_it_stands():
    Incident.objects.create(title="Old", severity="P1", opened_at=NOON, opened_by="x", created_at=NOON)

    assert p1s(NOON + HOUR) == [("Old", None)]
