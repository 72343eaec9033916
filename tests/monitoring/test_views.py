import socket
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.conf import settings
from django.db import connections
from django.db.models.functions import Now

from monitoring import views
from monitoring.clients import broker
from monitoring.domain.runs import Outcome, RunState
from monitoring.models import BeatLease, Endpoint, JobRun, ObservedSpan, Outage, WorkerHeartbeat
from monitoring.services import portal_health
from monitoring.services.public_metrics import read_public_metrics
from tenancy.models import Tenant

NOON = datetime(2025, 11, 15, 12, tzinfo=UTC)


@pytest.fixture
def watch(monkeypatch):
    """A database watch of the test's own: its thread and connection end with the test."""
    watch = portal_health.DatabaseWatch()
    monkeypatch.setattr(portal_health, "database_watch", watch)
    yield watch
    watch.stop()


@pytest.fixture
def alive(transactional_db, watch):
    """Beat and a worker that spoke just now."""
    BeatLease.objects.create(id=1, holder="beat", epoch=1, heartbeat_at=Now())
    WorkerHeartbeat.objects.create(worker="w1", heartbeat_at=Now())


@contextmanager
def silent_server():
    """A server that accepts connections and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(64)
        yield server.getsockname()[1]


@contextmanager
def addressed(name, port):
    """The database's or the broker's address changed to a port of this machine."""
    broker._client.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        if name == "broker":
            patch.setattr(settings, "REDIS_URL", f"redis://127.0.0.1:{port}/0")
        else:
            patch.setitem(connections.settings["default"], "PORT", str(port))
            patch.setitem(connections.settings["default"], "HOST", "127.0.0.1")
        yield
    broker._client.cache_clear()


def closed_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def test_health_is_200_when_every_part_answers(client, alive):
    response = client.get("/health")

    body = response.json()
    assert response.status_code == 200
    parts = {"database", "broker", "beat", "worker"}
    assert set(body) == parts | {"ok", "status", "version", "tenancy_mode", "uptime_seconds", "ts"}
    assert (body["ok"], body["status"], body["tenancy_mode"]) == (True, "ok", "single")
    assert {body[part] for part in parts} == {"ok"}
    assert body["uptime_seconds"] > 0


@pytest.mark.parametrize(("age_s", "said", "status"), [(20, "late", 200), (40, "silent", 503)])
@pytest.mark.parametrize("part", ["beat", "worker"])
def test_health_notices_the_silence_of(client, alive, part, age_s, said, status):
    model = BeatLease if part == "beat" else WorkerHeartbeat
    model.objects.update(heartbeat_at=Now() - timedelta(seconds=age_s))

    response = client.get("/health")

    body = response.json()
    assert (response.status_code, body[part]) == (status, said)
    if status == 503:
        assert (body["ok"], body["status"]) == (False, "degraded")
        assert body["error"] == {"type": "unavailable", "message": f"Not well: {part}: silent."}


@pytest.mark.parametrize("silent", [False, True], ids=["refused", "never answers"])
@pytest.mark.parametrize("part", ["database", "broker"])
def test_health_answers_within_a_second_without(client, alive, part, silent):
    with silent_server() as port, addressed(part, port if silent else closed_port()):
        began = time.monotonic()
        response = client.get("/health")
        took = time.monotonic() - began

    body = response.json()
    assert response.status_code == 503
    assert body[part] == "no answer"
    assert f"{part}: no answer" in body["error"]["message"]
    assert body["status"] == ("down" if part == "database" else "degraded")
    assert took < 1


def test_health_recovers_when_the_database_does(client, alive):
    with addressed("database", closed_port()):
        assert client.get("/health").json()["database"] == "no answer"

    assert client.get("/health").json()["database"] == "ok"


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_health_refuses_when_tenants_are_not_kept_apart(client, alive):
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE intel_events NO FORCE ROW LEVEL SECURITY")

    body = client.get("/health").json()

    assert (body["status"], body["database"]) == ("down", "not isolated")


def test_health_costs_little(client, alive):
    client.get("/health")
    took = []
    for _ in range(50):
        began = time.perf_counter()
        portal_health.read_parts()
        took.append(time.perf_counter() - began)

    assert sorted(took)[25] < 0.005


@pytest.mark.parametrize("url", ["/health", "/public/metrics"])
def test_open_addresses_are_read_only(client, alive, url):
    assert client.head(url).status_code == 200
    assert client.options(url).headers["Allow"] == "GET, HEAD, OPTIONS"
    response = client.post(url)
    assert (response.status_code, response.json()["error"]["type"]) == (405, "method_not_allowed")


@pytest.fixture
def endpoint(db):
    return Endpoint.objects.create(
        tenant=Tenant.objects.get(ext_id="000-CORE"),
        name="api",
        url="https://example.com/",
        critical=True,
        created_at=NOON - timedelta(days=40),
    )


@pytest.mark.django_db
def test_public_metrics_of_nothing_are_not_known():
    metrics = read_public_metrics(NOON)

    assert (metrics.uptime_rolling_7d, metrics.uptime_rolling_30d) == (None, None)
    assert (metrics.coverage_7d, metrics.jobs_today, metrics.audit_coverage) == (0.0, None, None)


def test_public_metrics_come_from_spans_and_outages(endpoint):
    ObservedSpan.objects.create(endpoint=endpoint, started_at=NOON - timedelta(days=3.5), ended_at=NOON)
    down = NOON - timedelta(days=1)
    edges = {"last_good_at": down, "first_bad_at": down}
    end = down + timedelta(seconds=3024)
    Outage.objects.create(endpoint=endpoint, **edges, last_bad_at=end, first_good_at=end, confirmed=True)

    metrics = read_public_metrics(NOON)

    assert metrics.coverage_7d == 50.0
    assert metrics.uptime_rolling_7d == metrics.uptime_rolling_30d == 99.0


def test_jobs_today_are_the_runs_that_ended_since_midnight(db):
    def run(hours_ago, state=RunState.DONE):
        at = NOON - timedelta(hours=hours_ago)
        done = {"finished_at": at, "outcome": Outcome.OK.value} if state is RunState.DONE else {}
        JobRun.objects.create(job="j", scheduled_for=at, created_at=at, state=state.value, **done)

    for hours_ago in (1, 11.9, 12.1, 30):
        run(hours_ago)
    run(0.5, RunState.RUNNING)

    assert read_public_metrics(NOON).jobs_today == 2
    assert read_public_metrics(NOON + timedelta(days=2)).jobs_today == 0


def test_public_metrics_are_kept_for_moments_and_say_how_old_they_are(client, db, monkeypatch):
    monkeypatch.setattr(views, "_metrics", views._Kept())
    with time_machine.travel(NOON, tick=False):
        first = client.get("/public/metrics").json()
    with time_machine.travel(NOON + timedelta(seconds=5), tick=False):
        second = client.get("/public/metrics").json()

    assert first["last_updated"] == second["last_updated"] == "2025-11-15T12:00:00+00:00"
    uptime = {"uptime_rolling_7d", "uptime_rolling_30d", "coverage_7d"}
    assert set(first) == uptime | {"jobs_today", "audit_coverage", "last_updated"}
