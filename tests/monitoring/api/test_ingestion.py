import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.conf import settings
from django.db import connection, transaction

from intelligence.models import GrowthEvent
from monitoring.models import CostEntry, HealthLog, Outage
from tenancy.context import activate, control_transaction, tenant_transaction
from tenancy.domain.tokens import TokenScope
from tenancy.models import IdempotentRequest
from tenancy.services import idempotency
from tests.cast import client_of, make_cast
from tests.factories import core, make_endpoint

HEALTH, COSTS, GROWTH = "/api/monitoring/health", "/api/monitoring/costs", "/api/intelligence/growth-events"
NOON = datetime(2025, 11, 15, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def cast():
    return make_cast()


@pytest.fixture
def alice(cast):
    return client_of(cast.alice, scope=TokenScope.WRITE)


def at(seconds):
    return (NOON - timedelta(hours=1) + timedelta(seconds=seconds)).isoformat()


def send(client, url, items, key=""):
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(url, {"items": items}, format="json", headers=headers)


def logged(tenant):
    with tenant_transaction(tenant):
        return list(HealthLog.objects.order_by("ts").values_list("ts", "ok", "source"))


def test_a_batch_is_stored_in_the_callers_tenant_and_read_back(cast, alice):
    response = send(
        alice, HEALTH, [{"ts": at(0), "status_code": 200, "latency_ms": 12.5}, {"ts": at(1), "ok": False}]
    )

    assert response.status_code == 201, response.content
    assert response.json()["stored"] == 2
    logs = alice.get("/api/intelligence/health").json()["logs"]
    assert [(row["source"], row["ok"], row["latency_ms"]) for row in logs] == [
        ("api", False, None),
        ("api", True, 12.5),
    ]
    assert client_of(cast.charlie).get("/api/intelligence/health").json()["count"] == 0


def test_one_bad_item_keeps_all_out_and_is_named(cast, alice):
    items = [{"ts": at(n), "ok": True} for n in range(5)]
    items[3]["latency_ms"] = -1
    items[4]["colour"] = "red"

    response = send(alice, HEALTH, items)

    assert response.status_code == 400
    assert set(response.json()["error"]["fields"]) == {"items.3.latency_ms", "items.4.colour"}
    assert logged(cast.tenant) == []


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"ts": at(0)}, "ok"),
        ({"ts": at(0), "ok": True, "endpoint": "nobody's"}, "endpoint"),
        ({"ts": "2020-01-01T00:00:00Z", "ok": True}, "ts"),
        ({"ts": "2026-01-01T00:00:00Z", "ok": True}, "ts"),
        ({"ts": "2025-11-15T11:00:00", "ok": True}, "ts"),
        ({"ts": 1763200000, "ok": True}, "ts"),
        ({"ts": at(9), "ended_at": at(8), "ok": True}, "ended_at"),
        ({"ts": at(0), "ok": "true"}, "ok"),
        ({"ts": at(0), "ok": True, "status_code": 700}, "status_code"),
        ({"ts": at(0), "ok": True, "latency_ms": "nan"}, "latency_ms"),
        ({"ts": at(0), "ok": True, "error": "x" * 501}, "error"),
    ],
)
def test_what_cannot_be_an_observation_is_refused_by_field(alice, item, field):
    response = send(alice, HEALTH, [item])

    assert response.status_code == 400
    assert list(response.json()["error"]["fields"]) == [f"items.0.{field}"]


def test_another_tenants_endpoint_is_unknown(cast, alice):
    make_endpoint("theirs", tenant=cast.other)

    response = send(alice, HEALTH, [{"ts": at(0), "ok": True, "endpoint": "theirs"}])

    assert "items.0.endpoint" in response.json()["error"]["fields"]


def test_what_is_reported_of_an_endpoint_makes_its_outages(cast, alice):
    make_endpoint("ours", tenant=cast.tenant, now=NOON)
    items = [
        {"ts": at(30 * n), "endpoint": "ours", "status_code": 503 if n in (4, 5) else 200} for n in range(10)
    ]

    send(alice, HEALTH, items[5:])
    send(alice, HEALTH, items[:5])

    outage = Outage.objects.get(endpoint__name="ours")
    assert (outage.last_good_at.isoformat(), outage.first_bad_at.isoformat()) == (at(90), at(120))
    assert (outage.last_bad_at.isoformat(), outage.first_good_at.isoformat()) == (at(150), at(180))
    assert (outage.confirmed, outage.failures, outage.status_code) == (True, 2, 503)


def test_a_reading_token_may_not_write(cast):
    response = send(client_of(cast.alice), HEALTH, [{"ts": at(0), "ok": True}])

    assert response.status_code == 403


def test_the_same_request_again_is_answered_and_not_done(cast, alice):
    items = [{"ts": at(0), "ok": True}]

    first = send(alice, HEALTH, items, key="k1")
    second = send(alice, HEALTH, items, key="k1")

    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert (first.headers.get("Idempotent-Replayed"), second.headers["Idempotent-Replayed"]) == (None, "true")
    assert len(logged(cast.tenant)) == 1


def test_the_same_key_with_another_body_is_unprocessable(alice):
    send(alice, HEALTH, [{"ts": at(0), "ok": True}], key="k1")

    response = send(alice, HEALTH, [{"ts": at(1), "ok": True}], key="k1")

    assert response.status_code == 422
    assert response.json()["error"]["type"] == "unprocessable"


def test_a_refused_request_does_not_use_up_its_key(alice):
    send(alice, HEALTH, [{"ts": at(0)}], key="k1")

    assert send(alice, HEALTH, [{"ts": at(0), "ok": True}], key="k1").status_code == 201


def test_a_key_belongs_to_one_tenant_and_one_address(cast, alice):
    send(alice, HEALTH, [{"ts": at(0), "ok": True}], key="k1")

    event = {"kind": "visit", "user": "u1", "at": at(0)}
    assert send(alice, GROWTH, [event], key="k1").status_code == 201
    assert send(client_of(cast.charlie, scope=TokenScope.WRITE), GROWTH, [event], key="k1").status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256])
def test_a_key_that_is_none_is_refused(alice, key):
    response = alice.post(HEALTH, {"items": []}, format="json", headers={"Idempotency-Key": key})

    assert response.status_code == 400


@pytest.mark.django_db(transaction=True)
def test_while_a_request_runs_its_key_is_taken(cast, alice):
    items = [{"ts": at(0), "ok": True}]
    holding, go_on = threading.Event(), threading.Event()

    def hold():
        try:
            with activate(cast.tenant), transaction.atomic():
                assert idempotency.find_answer(operation=HEALTH, key="k1", body=b"") is None
                holding.set()
                go_on.wait(10)
        finally:
            connection.close()

    other = threading.Thread(target=hold)
    other.start()
    try:
        assert holding.wait(10)
        while_running = send(alice, HEALTH, items, key="k1")
    finally:
        go_on.set()
        other.join()

    assert while_running.status_code == 409
    assert int(while_running.headers["Retry-After"]) >= 1
    assert send(alice, HEALTH, items, key="k1").status_code == 201


def test_answers_are_forgotten_after_their_time(cast, alice):
    send(alice, HEALTH, [{"ts": at(0), "ok": True}], key="k1")

    with control_transaction("test"):
        assert idempotency.forget_old_answers(now=NOON + timedelta(days=3)) == 0
        assert idempotency.forget_old_answers(now=NOON + timedelta(days=3, seconds=1)) == 1
        assert not IdempotentRequest.objects.exists()


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        (b"{", 400, "JSON"),
        (b'{"items": [NaN]}', 400, "NaN"),
        (b'{"items": [-Infinity]}', 400, "Infinity"),
        (b'{"items": [1e999]}', 400, "too large"),
        (b'{"items": [' + b"9" * 30 + b"]}", 400, "too large"),
        (b'{"items": [], "items": []}', 400, "twice"),
        (b'{"items": ["\\u0000"]}', 400, "NUL"),
        (b'{"items": ["\\ud800"]}', 400, "surrogate"),
        (b'{"items": "\xff"}', 400, "UTF-8"),
        (b"[" * 51 + b"]" * 51, 400, "deep"),
        (b"[" * 200_000 + b"]" * 200_000, 400, "deep"),
        (b'{"a":' * 200_000 + b"1" + b"}" * 200_000, 400, "deep"),
        (b" " * (5 * 1024 * 1024 + 1), 413, "larger"),
    ],
)
def test_a_body_that_only_some_readers_take_is_refused(alice, body, status, word):
    response = alice.post(HEALTH, body, content_type="application/json")

    assert response.status_code == status
    assert word in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"items": {}},
        {"items": []},
        {"items": [1]},
        {"items": [None]},
        {"items": [{}], "more": 1},
        None,
        7,
    ],
)
def test_a_body_of_another_shape_is_refused(alice, body):
    assert alice.post(HEALTH, json.dumps(body), content_type="application/json").status_code == 400


def test_more_than_5000_items_are_refused_and_5000_are_stored(cast, alice):
    items = [{"ts": at(n * 0.1), "ok": True} for n in range(5001)]

    assert send(alice, HEALTH, items).status_code == 400
    assert send(alice, HEALTH, items[:5000]).json()["stored"] == 5000


def test_another_type_of_body_is_refused(alice):
    assert alice.post(HEALTH, b"a=1", content_type="application/x-www-form-urlencoded").status_code == 415


def test_costs_are_written_once_and_replaced_when_said_again(cast, alice):
    platform = client_of(
        member_of_core(cast.alice), scope=TokenScope.WRITE, tenant=settings.DEFAULT_TENANT_ID
    )
    item = {"day": "2025-11-14", "service": "openai", "amount": "1.25"}

    first = send(platform, COSTS, [item])
    second = send(platform, COSTS, [{**item, "amount": "1.50", "kind": "estimated"}])

    assert (first.json()["stored"], second.json()["stored"]) == (1, 0)
    assert [(str(e.amount), e.kind, e.source) for e in CostEntry.objects.filter(service="openai")] == [
        ("1.5000", "estimated", "api")
    ]
    assert send(alice, COSTS, [item]).status_code == 403


@pytest.mark.parametrize("amount", ["-1", "NaN", "1e400", True, [], "1.23456"])
def test_an_amount_that_is_none_is_refused(cast, amount):
    platform = client_of(
        member_of_core(cast.alice), scope=TokenScope.WRITE, tenant=settings.DEFAULT_TENANT_ID
    )

    response = send(platform, COSTS, [{"day": "2025-11-14", "service": "openai", "amount": amount}])

    assert list(response.json()["error"]["fields"]) == ["items.0.amount"]


def member_of_core(user):
    from tenancy.domain.modes import MemberRole
    from tenancy.services.members import add_member

    add_member(tenant=core(), user=user, role=MemberRole.OWNER, actor="test")
    return user


def test_growth_events_are_stored_once_for_their_tenant(cast, alice):
    items = [
        {"kind": "signup", "user": "u1", "at": at(0), "source": "ads"},
        {"kind": "paid", "user": "u1", "at": at(1), "plan": "pro", "revenue_cents": 4900},
        {"kind": "signup", "user": "u1", "at": at(0), "source": "ads"},
    ]

    assert send(alice, GROWTH, items).json()["stored"] == 2
    assert send(alice, GROWTH, items).json()["stored"] == 0
    with tenant_transaction(cast.tenant):
        assert GrowthEvent.objects.count() == 2
    with tenant_transaction(cast.other):
        assert GrowthEvent.objects.count() == 0


def test_revenue_belongs_to_payments_only(alice):
    response = send(alice, GROWTH, [{"kind": "visit", "user": "u1", "at": at(0), "revenue_cents": 1}])

    assert list(response.json()["error"]["fields"]) == ["items.0.revenue_cents"]
