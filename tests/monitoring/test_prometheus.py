from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_plain

from monitoring.domain.observing import Source
from monitoring.services.recording import record_probes
from tenancy.domain.modes import MemberRole
from tenancy.services.members import add_member
from tests.cast import make_cast, token_of
from tests.factories import core, make_endpoint, make_result

pytestmark = pytest.mark.django_db
OPENMETRICS = "application/openmetrics-text;version=1.0.0"


@pytest.fixture
def cast():
    return make_cast()


@pytest.fixture
def scraper(cast):
    add_member(tenant=core(), user=cast.bob, role=MemberRole.VIEWER, actor="test")
    return {"Authorization": f"Bearer {token_of(cast.bob)}"}


def families(response, reader=read_plain):
    assert response.status_code == 200, response.content
    return {family.name: family.samples for family in reader(response.text)}


def scrape(headers, reader=read_plain):
    return families(Client().get("/metrics", headers=headers), reader)


def test_what_was_never_measured_has_no_sample(scraper):
    make_endpoint("unseen", critical=True)

    found = scrape(scraper)

    assert "levqor_endpoint_up" not in found
    assert "levqor_uptime_ratio" not in found
    assert [s.value for s in found["levqor_go"]] == [0]


def test_probes_gates_and_incidents_are_told(scraper):
    now = timezone.now()
    odd = make_endpoint('odd "name" \\ with\nbreak', url="https://example.com/odd", critical=True, now=now)
    down = make_endpoint("down", now=now)
    first = now - timedelta(seconds=20)
    record_probes(
        [(odd, make_result(odd, first, took_ms=40)), (down, make_result(down, first, ok=False))],
        source=Source.MONITOR,
    )

    found = scrape({**scraper, "Accept": OPENMETRICS}, read_openmetrics)

    assert {s.labels["endpoint"]: s.value for s in found["levqor_endpoint_up"]} == {odd.name: 1, "down": 0}
    assert [
        s.value for s in found["levqor_endpoint_latency_seconds"] if s.labels["endpoint"] == odd.name
    ] == [0.04]
    assert {s.labels["endpoint"]: s.value for s in found["levqor_observations_bad_1h"]} == {
        odd.name: 0,
        "down": 1,
    }
    assert {s.labels["bound"] for s in found["levqor_uptime_ratio"]} == {"low", "likely", "high"}
    assert len({s.labels["gate"] for s in found["levqor_gate_standing"]}) == 5
    assert {s.labels["severity"]: s.value for s in found["levqor_incidents_open"]} == dict.fromkeys(
        ("P1", "P2", "P3", "P4"), 0
    )
    assert "levqor_queue_depth" in found


def test_an_endpoint_that_is_seen_no_more_has_no_standing(scraper):
    now = timezone.now()
    endpoint = make_endpoint("quiet", now=now)
    record_probes([(endpoint, make_result(endpoint, now - timedelta(minutes=10)))], source=Source.MONITOR)

    found = scrape(scraper)

    assert "levqor_endpoint_up" not in found
    assert found["levqor_endpoint_last_probe_age_seconds"][0].value >= 600


def test_without_a_token_it_is_closed_and_a_header_opens_nothing(cast, settings):
    settings.METRICS_ALLOWED_NETWORKS = ["10.0.0.0/8"]

    assert Client().get("/metrics", headers={"X-Forwarded-For": "10.1.1.1"}).status_code == 401
    assert Client().get("/metrics", headers={"Authorization": "Bearer lvq_no"}).status_code == 401
    assert (
        Client().get("/metrics", headers={"Authorization": f"Bearer {token_of(cast.charlie)}"}).status_code
        == 403
    )
    assert Client().post("/metrics").status_code == 405


def test_an_allowed_network_needs_no_token(settings):
    settings.METRICS_ALLOWED_NETWORKS = ["127.0.0.0/8"]

    assert Client().get("/metrics").status_code == 200
    assert Client(REMOTE_ADDR="192.0.2.7").get("/metrics").status_code == 401
