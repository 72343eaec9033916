from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from intelligence.models import IntelAction, IntelEvent, IntelRecommendation
from intelligence.services import records
from monitoring.models import HealthLog
from tenancy.context import NoTenantScope, activate, control_transaction, tenant_transaction
from tenancy.models import Tenant
from tests.cast import make_cast

pytestmark = pytest.mark.django_db

NAN = float("nan")
NOON = datetime(2025, 11, 15, 12, 0, 30, tzinfo=UTC)
WRITERS = [
    lambda: records.log_health_metric("ok", "ok", 12.5),
    lambda: records.log_intel_event("latency", 3.0, 1.0),
    lambda: records.log_intel_action("restart", {"subsystem": "web"}),
    lambda: records.save_forecast(1000.0, 2.5, 30),
    lambda: records.save_recommendations([{"type": "t", "priority": "high", "message": "m"}]),
]
READERS = [
    records.get_intelligence_summary,
    records.get_recent_events,
    records.get_recent_actions,
    records.get_recent_forecasts,
    records.get_recent_health_logs,
    records.get_recent_recommendations,
]


def core():
    return Tenant.objects.get(ext_id="000-CORE")


def test_summary_of_nothing_says_that_nothing_is_known():
    assert records.get_intelligence_summary() == {
        "anomalies_24h": 0,
        "actions_24h": 0,
        "latest_forecast": None,
        "health": {"avg_latency_ms": None, "error_rate": None, "total_checks": 0},
    }


def test_what_is_written_is_read_back():
    with time_machine.travel(NOON, tick=False):
        for write in WRITERS:
            write()
        records.log_health_metric(200, 503, 37.5, "upstream gone")
        summary = records.get_intelligence_summary()

    assert summary == {
        "anomalies_24h": 1,
        "actions_24h": 1,
        "latest_forecast": {
            "predicted_revenue": 1000.0,
            "churn_rate": 2.5,
            "horizon_days": 30,
            "ts": "2025-11-15T12:00:30Z",
        },
        "health": {"avg_latency_ms": 25.0, "error_rate": 50.0, "total_checks": 2},
    }
    newest, first = records.get_recent_health_logs()
    assert (newest["frontend"], newest["backend"], newest["ok"]) == ("200", "503", False)
    assert (newest["error"], newest["source"], newest["status_code"]) == ("upstream gone", "api", None)
    assert (first["ok"], first["error"], first["latency_ms"]) == (True, None, 12.5)
    assert records.get_recent_events()[0]["mean"] == 1.0
    assert records.get_recent_actions()[0]["subsystem"] == "web"
    assert records.get_recent_forecasts()[0]["horizon_days"] == 30
    assert records.get_recent_recommendations()[0]["priority"] == "high"


def test_summary_forgets_what_is_older_than_an_hour_and_a_day():
    with time_machine.travel(NOON, tick=False):
        for write in WRITERS:
            write()
    with time_machine.travel(NOON + timedelta(days=1, seconds=1), tick=False):
        summary = records.get_intelligence_summary()

    assert (summary["anomalies_24h"], summary["actions_24h"]) == (0, 0)
    assert summary["health"]["total_checks"] == 0
    assert summary["latest_forecast"] is not None


def test_the_first_row_of_a_day_makes_its_partition():
    with time_machine.travel(datetime(2031, 3, 1, tzinfo=UTC), tick=False):
        records.log_health_metric("ok", "ok", 1)
        records.log_health_metric("ok", "ok", 2)

        assert [row["latency_ms"] for row in records.get_recent_health_logs()] == [2.0, 1.0]


def test_lists_are_newest_first_and_as_long_as_asked_for():
    for number in range(5):
        with time_machine.travel(NOON + timedelta(seconds=number), tick=False):
            records.log_intel_event("e", number, None)

    assert [row["value"] for row in records.get_recent_events(3)] == [4.0, 3.0, 2.0]


@pytest.mark.parametrize("read", READERS[1:])
@pytest.mark.parametrize("limit", [0, 201, -1, 2.0, "5", True, None])
def test_a_limit_outside_1_to_200_is_refused(read, limit):
    with pytest.raises(ValueError, match="limit must be a whole number from 1 to 200"):
        read(limit)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: records.log_health_metric("ok", "ok", NAN), "latency_ms"),
        (lambda: records.log_health_metric("ok", "ok", -1), "latency_ms"),
        (lambda: records.log_health_metric(None, "ok", 1), "frontend"),
        (lambda: records.log_health_metric("ok", "a\0b", 1), "backend"),
        (lambda: records.log_health_metric("ok", "ok", 1, 5), "error"),
        (lambda: records.log_intel_event("", 1, 1), "event"),
        (lambda: records.log_intel_event("e", "1", 1), "value"),
        (lambda: records.log_intel_event("e", 1, NAN), "mean"),
        (lambda: records.log_intel_action("a", None), "metadata"),
        (lambda: records.log_intel_action("a", {"subsystem": 5}), "subsystem"),
        (lambda: records.save_forecast(NAN, 1, 1), "predicted_revenue"),
        (lambda: records.save_forecast(1, 100.5, 1), "churn_rate"),
        (lambda: records.save_forecast(1, -1, 1), "churn_rate"),
        (lambda: records.save_forecast(1, 1, 0), "horizon_days"),
        (lambda: records.save_recommendations("no list"), "recommendations"),
        (lambda: records.save_recommendations([5]), r"recommendations\[0\]"),
        (lambda: records.save_recommendations([{"type": "t", "priority": "urgent"}]), "priority"),
        (lambda: records.save_recommendations([{"wrong": 1}]), "wrong"),
    ],
)
def test_a_bad_argument_is_named_and_nothing_is_stored(call, named):
    with pytest.raises(ValueError, match=named):
        call()

    with control_transaction("test"):
        assert not HealthLog.objects.exists()
        assert not IntelEvent.objects.exists()
        assert not IntelAction.objects.exists()


def test_recommendations_are_stored_all_or_none():
    good = {"type": "t", "priority": "low", "message": "m", "metric": "p95", "evidence": {"n": 1}}

    assert records.save_recommendations([good, good]) == 2
    with pytest.raises(ValueError, match=r"recommendations\[1\]"):
        records.save_recommendations([good, {}])

    with control_transaction("test"):
        rows = list(IntelRecommendation.objects.all())
    assert len(rows) == 2
    assert rows[0].batch == rows[1].batch


@pytest.mark.parametrize("call", [*WRITERS, *READERS])
@pytest.mark.parametrize("mode", ["dual", "multi"])
def test_without_a_scope_only_a_single_tenant_may_be_assumed(settings, call, mode):
    settings.TENANCY_MODE = mode

    with pytest.raises(NoTenantScope):
        call()


@pytest.mark.parametrize("call", [*WRITERS, *READERS])
def test_the_control_plane_is_no_tenant(call):
    with control_transaction("test"), pytest.raises(NoTenantScope):
        call()


@pytest.mark.parametrize("open_scope", [activate, tenant_transaction])
def test_a_tenant_writes_and_reads_its_own_rows_only(settings, open_scope):
    settings.TENANCY_MODE = "multi"
    cast = make_cast()
    with open_scope(cast.tenant):
        for write in WRITERS:
            write()

    with open_scope(cast.other):
        assert all(read() == [] for read in READERS[1:])
        assert records.get_intelligence_summary()["anomalies_24h"] == 0
    with open_scope(cast.tenant):
        assert all(len(read()) == 1 for read in READERS[1:])


def test_a_write_belongs_to_the_transaction_around_it():
    with pytest.raises(RuntimeError, match="undo"), transaction.atomic():  # noqa: PT012  (the whole block is undone)
        records.log_intel_event("e", 1, 1)
        records.log_health_metric("ok", "ok", 1)
        raise RuntimeError("undo")

    assert records.get_recent_events() == []
    assert records.get_recent_health_logs() == []


@pytest.mark.parametrize(("read", "queries"), list(zip(READERS, [4, 1, 1, 1, 2, 1], strict=True)))
def test_reading_costs_the_same_number_of_queries_whatever_is_there(read, queries):
    def count():
        with tenant_transaction(core()), CaptureQueriesContext(connection) as captured:
            read()
        return len([q for q in captured if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))])

    for write in WRITERS * 2:
        write()
    few = count()
    for write in WRITERS * 10:
        write()

    assert (few, count()) == (queries, queries)
