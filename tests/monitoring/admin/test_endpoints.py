"""The form of an endpoint: what is refused, and that no secret comes back."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from monitoring.admin.endpoint_form import MASK
from monitoring.models import Endpoint, EndpointState
from tests.factories import core, make_endpoint, make_tenant
from tests.people import browser_of, make_person, make_superuser

pytestmark = pytest.mark.django_db

ADD = reverse("admin:monitoring_endpoint_add")
LIST = reverse("admin:monitoring_endpoint_changelist")
SECRET = "Bearer s3cr3t-value"


@pytest.fixture
def ada():
    return browser_of(make_superuser())


def change(endpoint):
    return reverse("admin:monitoring_endpoint_change", args=[endpoint.pk])


def fields(**given):
    """What a person typed, with the rest as the empty form has it."""
    typed = {
        "name": "api",
        "component": "api",
        "url": "https://example.com/health",
        "enabled": "on",
        "tenant": str(core().pk),
        "method": "GET",
        "headers_text": "",
        "body": "",
        "timeout_s": "10",
        "expected_status": "200",
        "conditions_text": "",
        "latency_objective_ms": "",
        "interval_s": "30",
        "pulse_s": "10",
        "confirm_interval_s": "5",
        "tags_text": "",
        "state-TOTAL_FORMS": "0",
        "state-INITIAL_FORMS": "0",
    }
    return {**typed, **given}


def with_state(endpoint, **given):
    inline = {"state-TOTAL_FORMS": "1", "state-INITIAL_FORMS": "1", "state-0-endpoint": str(endpoint.pk)}
    return fields(name=endpoint.name, url=endpoint.url, **inline, **given)


def errors(answer):
    form = answer.context["adminform"].form
    return " ".join(text for texts in form.errors.values() for text in texts)


def test_an_endpoint_typed_by_a_person_is_probed_at_once(ada):
    typed = fields(
        conditions_text="[BODY].ok == true\n\n[STATUS] == 200", tags_text="a, b", headers_text="X-A: 1"
    )

    answer = ada.post(ADD, typed)

    endpoint = Endpoint.objects.get()
    assert answer.status_code == 302
    assert endpoint.conditions == ["[BODY].ok == true", "[STATUS] == 200"]
    assert (endpoint.tags, endpoint.headers) == (["a", "b"], {"X-A": "1"})
    assert EndpointState.objects.get(endpoint=endpoint).next_due_at <= timezone.now()
    assert LogEntry.objects.get(object_id=str(endpoint.pk)).user.username == "ada"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"url": "ftp://example.com/"}, "does not begin with http"),
        ({"conditions_text": "[BODY.ok == true"}, "[BODY"),
        ({"conditions_text": "[RESPONSE_TIME] < potato"}, "potato"),
        ({"headers_text": "no colon"}, "Name: value"),
        ({"headers_text": "Bad Name: x"}, "no header name"),
        ({"headers_text": f"X-New: {MASK}"}, "none is stored under that name"),
    ],
)
def test_what_watch_refuses_the_form_refuses_too(ada, typed, told):
    answer = ada.post(ADD, fields(**typed))

    assert answer.status_code == 200
    assert told in errors(answer)
    assert not Endpoint.objects.exists()


def test_a_stored_header_is_never_shown_again(ada):
    endpoint = make_endpoint(headers={"Authorization": SECRET})

    for address in (change(endpoint), LIST, reverse("admin:monitoring_endpoint_history", args=[endpoint.pk])):
        assert "s3cr3t" not in ada.get(address).text
    assert f"Authorization: {MASK}" in ada.get(change(endpoint)).text


def test_a_masked_header_keeps_its_value_and_a_removed_one_is_gone(ada):
    endpoint = make_endpoint(headers={"Authorization": SECRET, "X-Old": "1"})

    ada.post(change(endpoint), with_state(endpoint, headers_text=f"Authorization: {MASK}\nX-New: 2"))

    endpoint.refresh_from_db()
    assert endpoint.headers == {"Authorization": SECRET, "X-New": "2"}


def test_a_masked_header_does_not_follow_to_another_host(ada):
    endpoint = make_endpoint(url="https://example.com/", headers={"Authorization": SECRET})
    kept = {"headers_text": f"Authorization: {MASK}"}

    elsewhere = ada.post(change(endpoint), {**with_state(endpoint, **kept), "url": "https://evil.example/"})
    same_host = ada.post(change(endpoint), {**with_state(endpoint, **kept), "url": "https://example.com/x"})

    endpoint.refresh_from_db()
    assert "leads to another host" in errors(elsewhere)
    assert same_host.status_code == 302
    assert (endpoint.url, endpoint.headers) == ("https://example.com/x", {"Authorization": SECRET})


def test_who_may_only_look_sees_no_header_and_the_days(ada):
    endpoint = make_endpoint(headers={"Authorization": SECRET})
    viewer = browser_of(make_person("vera", "viewer", tenant=core()))

    text = viewer.get(change(endpoint)).text

    assert "s3cr3t" not in text
    assert "UTC day" in text


def test_a_tenant_s_admin_watches_for_their_tenant_and_cannot_make_it_count():
    bolt = make_tenant("Bolt")
    tina = browser_of(make_person("tina", "tenant admin", tenant=bolt))

    answer = tina.post(ADD, fields(critical="on", tenant=str(core().pk)))

    endpoint = Endpoint.objects.get()
    assert answer.status_code == 302
    assert (endpoint.tenant, endpoint.critical) == (bolt, False)


def test_actions_pause_watch_and_probe(ada):
    endpoint = make_endpoint("api", critical=True)
    EndpointState.objects.update(next_due_at=timezone.now() + timedelta(hours=1))

    def act(name):
        return ada.post(LIST, {"action": name, "_selected_action": [endpoint.pk]}, follow=True).text

    probed = act("probe_now")
    due = EndpointState.objects.get().next_due_at
    paused = act("unwatch")
    endpoint.refresh_from_db()
    enabled_when_paused = endpoint.enabled
    act("watch")
    endpoint.refresh_from_db()

    assert "1 will be probed" in probed
    assert due <= timezone.now()
    assert "api still counts for the uptime gate" in paused
    assert (enabled_when_paused, endpoint.enabled) == (False, True)
    messages = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert list(messages) == ["Probe asked for.", "Paused.", "Watched again."]


def test_actions_are_refused_to_who_may_only_look():
    endpoint = make_endpoint("api")
    viewer = browser_of(make_person("vera", "viewer", tenant=core()))

    viewer.post(LIST, {"action": "unwatch", "_selected_action": [endpoint.pk]})

    endpoint.refresh_from_db()
    assert endpoint.enabled
