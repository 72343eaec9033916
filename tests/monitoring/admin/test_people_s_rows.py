"""What people write: incidents, costs, burn-ins."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from monitoring.domain.costs import CostKind
from monitoring.models import BurnIn, CostEntry, Incident
from monitoring.services.cost_entries import record_cost_entry
from tests.people import browser_of, make_person

pytestmark = pytest.mark.django_db

INCIDENTS, COSTS, BURN_INS = (f"/admin/monitoring/{name}/" for name in ("incident", "costentry", "burnin"))


@pytest.fixture
def otto():
    return browser_of(make_person("otto", "operator"))


def at(moment):
    return {"opened_at_0": f"{moment:%Y-%m-%d}", "opened_at_1": f"{moment:%H:%M:%S}"}


def test_an_incident_carries_who_opened_it(otto):
    otto.post(f"{INCIDENTS}add/", {"title": "Fire", "severity": "P1", "summary": "", **at(timezone.now())})

    incident = Incident.objects.get()
    assert (incident.title, incident.opened_by) == ("Fire", "otto")
    assert LogEntry.objects.get().user.username == "otto"


def test_an_incident_does_not_begin_in_the_future(otto):
    later = timezone.now() + timedelta(days=1)

    answer = otto.post(f"{INCIDENTS}add/", {"title": "Fire", "severity": "P1", **at(later)})

    assert "cannot begin in the future" in answer.text
    assert not Incident.objects.exists()


def test_an_incident_stays_as_grave_as_it_was_opened(otto):
    incident = Incident.objects.create(title="x", severity="P1", opened_at=timezone.now(), opened_by="otto")

    otto.post(f"{INCIDENTS}{incident.pk}/change/", {"title": "y", "summary": "", "severity": "P4"})

    incident.refresh_from_db()
    assert (incident.title, incident.severity) == ("y", "P1")


def test_resolving_twice_says_so(otto):
    incident = Incident.objects.create(title="x", severity="P2", opened_at=timezone.now(), opened_by="otto")
    act = {"action": "resolve", "_selected_action": [incident.pk]}

    otto.post(INCIDENTS, act)
    again = otto.post(INCIDENTS, act, follow=True)

    assert "was resolved already" in again.text
    assert otto.get(INCIDENTS, {"state": "open"}).context["cl"].result_count == 0


def test_a_cost_is_written_in_the_person_s_name_and_may_be_said_again(otto):
    typed = {"day": "2025-11-15", "service": "kv", "amount": "1.50", "kind": "metered", "note": ""}

    otto.post(f"{COSTS}add/", typed)
    otto.post(f"{COSTS}add/", {**typed, "amount": "2.50"})

    entry = CostEntry.objects.get()
    assert (entry.source, entry.amount) == ("otto", Decimal("2.50"))


def test_a_cost_that_others_wrote_is_read_only(otto):
    entry = record_cost_entry(
        day=timezone.now().date(), service="kv", amount=Decimal(9), kind=CostKind.METERED, source="api"
    )

    answer = otto.post(f"{COSTS}{entry.pk}/change/", {"amount": "0", "note": ""})

    entry.refresh_from_db()
    assert answer.status_code == 403
    assert entry.amount == 9


def test_a_negative_cost_is_refused(otto):
    typed = {"day": "2025-11-15", "service": "kv", "amount": "-1", "kind": "metered", "note": ""}

    otto.post(f"{COSTS}add/", typed)

    assert not CostEntry.objects.exists()


def test_a_reviewer_opens_a_burn_in_and_nobody_edits_it(otto):
    rita = browser_of(make_person("rita", "reviewer"))
    typed = {
        "name": "November",
        "starts_at_0": "2025-11-11",
        "starts_at_1": "16:00:00",
        "days": "7",
        "review_after_days": "6",
    }

    refused = otto.post(f"{BURN_INS}add/", typed)
    rita.post(f"{BURN_INS}add/", typed)

    burn_in = BurnIn.objects.get()
    assert refused.status_code == 403
    assert (burn_in.ends_at - burn_in.starts_at, burn_in.is_current) == (timedelta(days=7), True)
    assert rita.post(f"{BURN_INS}{burn_in.pk}/change/", {"name": "x"}).status_code == 403
