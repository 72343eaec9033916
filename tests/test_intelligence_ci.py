"""The five endpoints over real HTTP: what the seed's CI smoke test meant to prove."""

import json
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

import pytest

from intelligence.services import records
from tests.cast import make_cast, token_of

# Rows are committed: the server reads them over a connection of its own.
pytestmark = pytest.mark.django_db(transaction=True)

LISTS = {
    "anomalies": "events",
    "recommendations": "recommendations",
    "forecasts": "forecasts",
    "health": "logs",
}
ENDPOINTS = ("status", *LISTS)
META = {"correlation_id", "duration_ms", "timestamp", "version"}


@pytest.fixture
def cast():
    return make_cast()


@pytest.fixture
def call(live_server, cast):
    """GET an address with Alice's token and other headers; status, headers and JSON body."""
    address = urlsplit(live_server.url)
    alice = token_of(cast.alice)

    def get(endpoint, method="GET", token=alice, query=None, **headers):
        connection = HTTPConnection(address.hostname, address.port, timeout=10)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        path = f"/api/intelligence/{endpoint}" + (f"?{urlencode(query, doseq=True)}" if query else "")
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        return answer.status, answer.headers, json.loads(body) if body else None

    return get


def record_one_of_each(tenant):
    from tenancy.context import activate

    with activate(tenant):
        records.log_health_metric("ok", "ok", 120.0)
        records.log_health_metric("ok", "down", 80.0, "no answer")
        records.log_intel_event("latency", 412.0, 95.5)
        records.log_intel_action("alert_triggered", {"subsystem": "api"})
        records.save_forecast(1250.0, 2.5, 30)
        records.save_recommendations([{"type": "performance", "priority": "medium", "message": "slow"}])


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_token_opens_it(call, endpoint):
    status, headers, body = call(endpoint, **{"X-Request-ID": "ci-42"})

    assert status == 200
    assert headers["X-Request-ID"] == "ci-42"
    assert body["ok"] is True
    assert set(body["meta"]) == META
    assert body["meta"]["correlation_id"] == "ci-42"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_without_a_token_it_is_a_typed_401(call, endpoint):
    status, headers, body = call(endpoint, token="")

    assert status == 401
    assert headers["WWW-Authenticate"].startswith("Bearer")
    assert (body["ok"], body["error"]["type"]) == (False, "unauthorized")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("query", [{"limit": "many"}, {"nonsense": "1"}])
def test_a_bad_parameter_is_a_typed_400_that_names_it(call, endpoint, query):
    status, _, body = call(endpoint, query=query)

    assert (status, body["error"]["type"]) == (400, "validation")
    assert set(body["error"]["fields"]) == set(query)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_foreign_tenant_is_like_none_at_all(call, cast, endpoint):
    foreign = call(endpoint, **{"x-tenant-id": cast.other.ext_id})
    nobodys = call(endpoint, **{"x-tenant-id": "NOBODY"})
    own = call(endpoint, **{"x-tenant-id": cast.tenant.ext_id})

    assert (foreign[0], nobodys[0], own[0]) == (404, 404, 200)
    assert foreign[2]["error"] == nobodys[2]["error"]
    assert cast.other.ext_id not in json.dumps(foreign[2])


def test_what_is_recorded_is_there(call, cast):
    before = call("status")[2]
    record_one_of_each(cast.tenant)

    status = call("status")[2]
    lists = {endpoint: call(endpoint)[2] for endpoint in LISTS}

    assert before["status"] == "no_data"
    assert before["summary"]["health"] == {"avg_latency_ms": None, "error_rate": None, "total_checks": 0}
    assert status["status"] == "degraded"
    assert status["summary"]["health"] == {"avg_latency_ms": 100.0, "error_rate": 50.0, "total_checks": 2}
    assert (status["summary"]["anomalies_24h"], status["summary"]["actions_24h"]) == (1, 1)
    assert status["summary"]["latest_forecast"]["predicted_revenue"] == 1250.0
    assert [row["event"] for row in status["recent_events"]] == ["latency"]
    assert [row["action"] for row in status["recent_actions"]] == ["alert_triggered"]
    assert [row["message"] for row in status["recommendations"]] == ["slow"]
    assert {endpoint: body["count"] for endpoint, body in lists.items()} == {
        "anomalies": 1,
        "recommendations": 1,
        "forecasts": 1,
        "health": 2,
    }
    assert all(len(body[LISTS[endpoint]]) == body["count"] for endpoint, body in lists.items())
    assert all(body["next"] is None for body in lists.values())
    assert lists["forecasts"]["latest"] == lists["forecasts"]["forecasts"][0]
    assert [row["error"] for row in lists["health"]["logs"]] == ["no answer", None]


def test_nobody_else_sees_what_is_recorded(call, cast):
    record_one_of_each(cast.tenant)
    charlie = token_of(cast.charlie)

    lists = {endpoint: call(endpoint, token=charlie)[2] for endpoint in LISTS}

    assert all(body["count"] == 0 for body in lists.values())
    assert call("status", token=charlie)[2]["summary"]["health"]["total_checks"] == 0


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_head_and_options_are_answered_and_other_methods_are_a_typed_405(call, endpoint):
    assert call(endpoint, method="HEAD")[0] == 200
    assert call(endpoint, method="OPTIONS")[0] == 200
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        status, headers, body = call(endpoint, method=method)
        assert (status, body["error"]["type"]) == (405, "method_not_allowed")
        assert "GET" in headers["Allow"]


def test_an_unknown_address_under_api_is_a_typed_404(call):
    status, _, body = call("nothing-here")

    assert (status, body["error"]["type"]) == (404, "not_found")
