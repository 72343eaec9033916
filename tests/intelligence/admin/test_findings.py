import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from intelligence.models import IntelRecommendation
from tenancy.context import tenant_transaction
from tests.factories import make_tenant
from tests.furnished import add_findings
from tests.people import browser_of, make_person

pytestmark = pytest.mark.django_db

LIST = "/admin/intelligence/intelrecommendation/"


def ids_of(tenant):
    with tenant_transaction(tenant):
        return {row.pk: row.state for row in IntelRecommendation.objects.all()}


@pytest.mark.parametrize(("action", "state"), [("mark_done", "done"), ("dismiss", "dismissed")])
def test_a_tenant_settles_its_own_recommendations_only(action, state):
    bolt, acme = make_tenant("Bolt"), make_tenant("Acme")
    for tenant in (bolt, acme):
        add_findings(tenant, now=timezone.now())
    browser = browser_of(make_person("tina", "tenant admin", tenant=bolt))

    browser.post(LIST, {"action": action, "_selected_action": [*ids_of(bolt), *ids_of(acme)]})

    assert list(ids_of(bolt).values()) == [state]
    assert list(ids_of(acme).values()) == ["open"]
    assert [entry.change_message for entry in LogEntry.objects.all()] == [f"State: {state}."]


def test_who_may_only_look_settles_nothing():
    bolt = make_tenant("Bolt")
    add_findings(bolt, now=timezone.now())
    browser = browser_of(make_person("vera", "viewer", tenant=bolt))

    browser.post(LIST, {"action": "mark_done", "_selected_action": list(ids_of(bolt))})

    assert list(ids_of(bolt).values()) == ["open"]
