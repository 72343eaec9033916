from datetime import timedelta

import pytest

from monitoring.domain.observing import Severity
from monitoring.models import Incident
from monitoring.services.incidents import UnableToOpen, UnableToResolve, open_incident, resolve_incident
from tests.factories import NOON

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def opened(at=NOON):
    return open_incident(
        title="It broke", severity=Severity.P1, summary="All of it.", opened_at=at, actor="ada", now=NOON
    )


def test_open_incident_names_who_opened_it():
    incident = opened(NOON - HOUR)

    assert (incident.opened_by, incident.severity, incident.resolved_at) == ("ada", "P1", None)
    assert list(Incident.objects.open()) == [incident]


def test_open_incident_refuses_the_future():
    with pytest.raises(UnableToOpen, match="in the future"):
        opened(NOON + HOUR)


def test_resolve_incident_ends_it():
    incident = opened()

    resolve_incident(incident_id=incident.pk, resolved_at=NOON + HOUR, now=NOON + HOUR)

    incident.refresh_from_db()
    assert incident.resolved_at == NOON + HOUR


@pytest.mark.parametrize(
    ("resolved_at", "told"), [(NOON - HOUR, "ended later"), (NOON + 2 * HOUR, "in the future")]
)
def test_resolve_incident_refuses_an_impossible_end(resolved_at, told):
    incident = opened()

    with pytest.raises(UnableToResolve, match=told):
        resolve_incident(incident_id=incident.pk, resolved_at=resolved_at, now=NOON + HOUR)


def test_resolve_incident_does_so_once():
    incident = opened()
    resolve_incident(incident_id=incident.pk, resolved_at=NOON, now=NOON)

    with pytest.raises(UnableToResolve, match="resolved already"):
        resolve_incident(incident_id=incident.pk, resolved_at=NOON, now=NOON)
