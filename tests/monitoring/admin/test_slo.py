"""The pages of SLOs and of incidents' time lines."""

from datetime import timedelta

import pytest
from django.utils import timezone

from monitoring.models import Incident, Slo
from monitoring.services.slo import evaluate_slos
from tenancy.context import control_transaction
from tenancy.models import TenantAudit
from tests.factories import make_endpoint
from tests.monitoring.services.test_slo import observe
from tests.people import browser_of, make_superuser

pytestmark = pytest.mark.django_db


def test_slo_pages_show_the_budget_and_its_table():
    now = timezone.now()
    shop = make_endpoint("shop", critical=True, now=now)
    ada = browser_of(make_superuser())
    observe(shop, now - timedelta(hours=1), now)
    with control_transaction("test"):
        evaluate_slos(now=now - timedelta(minutes=5))
        evaluate_slos(now=now)
    slo = Slo.objects.get(name="availability")

    listed = ada.get("/admin/monitoring/slo/")
    page = ada.get(f"/admin/monitoring/slo/{slo.pk}/change/")

    assert "100.000 %" in listed.text
    assert "healthy" in listed.text
    assert "<polyline" in page.text
    assert "100.0 %" in page.text


def test_a_changed_objective_is_audited():
    ada = browser_of(make_superuser())
    slo = Slo.objects.get(name="availability")
    typed = {
        "title": "Up",
        "description": "",
        "enabled": "on",
        "sli": "availability",
        "percent": "99.95",
        "threshold_ms": "",
        "period": "7d",
        "recovers": "",
    }

    ada.post(f"/admin/monitoring/slo/{slo.pk}/change/", typed)

    slo.refresh_from_db()
    assert slo.objective_percent == "99.95"
    with control_transaction("test"):
        assert TenantAudit.objects.filter(event="slo_changed").count() == 1


def test_an_incident_is_acknowledged_and_its_page_tells_the_story():
    ada = browser_of(make_superuser())
    incident = Incident.objects.create(title="x", severity="P2", opened_at=timezone.now(), opened_by="ada")

    ada.post("/admin/monitoring/incident/", {"action": "acknowledge", "_selected_action": [incident.pk]})

    page = ada.get(f"/admin/monitoring/incident/{incident.pk}/change/")
    assert "acknowledged" in page.text
    incident.refresh_from_db()
    assert incident.acknowledged_by == "ada"
