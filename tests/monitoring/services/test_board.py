from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from redis.exceptions import ConnectionError as RedisConnectionError

from monitoring.domain.costs import CostKind
from monitoring.domain.observing import EndpointStanding
from monitoring.domain.strips import TimeState
from monitoring.jobs import JOBS
from monitoring.models import Endpoint, JobRun, JobSchedule
from monitoring.services import live_verdict as live
from monitoring.services.board import gather_platform_board, gather_tenant_board, week_by_day
from monitoring.services.cost_entries import record_cost_entry
from monitoring.services.judging import judge, open_burn_in
from monitoring.services.live_verdict import live_verdict
from monitoring.services.schedules import sync_schedule_rows
from tenancy.context import control_transaction
from tenancy.services.caching import _fuse
from tests.factories import NOON, core, make_endpoint, make_tenant
from tests.furnished import observe

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh():
    cache.clear()
    sync_schedule_rows()


def board(now=NOON):
    with control_transaction("test"):
        return gather_platform_board(now=now)


def jobs_of(now=NOON):
    return {line.job.key: line for line in board(now).platform.jobs}


def run_of(key, at):
    JobRun.objects.create(job=key, scheduled_for=at, state="done", outcome="ok", created_at=at)


def test_board_of_an_empty_portal_shows_absence():
    shown = board()

    assert shown.endpoints == ()
    assert shown.platform.burn_in is None
    assert shown.platform.cost is None
    assert {line.last for line in shown.platform.jobs} == {None}
    assert not any(line.overdue for line in shown.platform.jobs)
    assert {reading.value for reading in shown.platform.verdict.gates} == {None}


def test_board_holds_the_verdict_of_the_judge():
    open_burn_in(name="b", starts_at=NOON - timedelta(days=3), days=7, review_after=timedelta(6), actor="t")
    observe(make_endpoint("api", critical=True), now=NOON)

    shown = board()

    assert shown.platform.verdict == judge(now=NOON)
    assert shown.platform.burn_in.progress.day == 3


def test_board_asks_a_constant_number_of_queries():
    open_burn_in(name="b", starts_at=NOON, days=7, review_after=timedelta(6), actor="t")

    def queries_with(endpoints):
        for _ in range(endpoints - Endpoint.objects.count()):
            observe(make_endpoint(critical=True), now=NOON)
        cache.clear()
        with control_transaction("test"), CaptureQueriesContext(connection) as queries:
            assert len(gather_platform_board(now=NOON).endpoints) == endpoints
        return len(queries)

    few, many = queries_with(3), queries_with(60)

    assert few == many


def test_board_shows_trouble_first():
    observe(make_endpoint("a", critical=True), now=NOON)
    broken = make_endpoint("z")
    observe(broken, now=NOON - timedelta(seconds=20), probes=3)

    lines = board().endpoints

    assert [line.endpoint.name for line in lines] == ["z", "a"]
    assert [line.standing for line in lines] == [EndpointStanding.DOWN, EndpointStanding.UP]


def test_an_endpoint_nobody_looks_at_any_more_is_unknown_whatever_was_seen_last():
    endpoint = make_endpoint("api")
    observe(endpoint, now=NOON)

    (just,) = board(NOON + timedelta(seconds=60)).endpoints
    (later,) = board(NOON + timedelta(seconds=endpoint.hold_s + 1)).endpoints

    assert (just.standing, just.stale) == (EndpointStanding.UP, False)
    assert (later.standing, later.stale) == (EndpointStanding.UNKNOWN, True)
    assert later.last_standing is EndpointStanding.UP


def test_a_paused_endpoint_is_shown_only_if_it_counts():
    for name, critical in (("counts", True), ("does not", False)):
        make_endpoint(name, critical=critical)
    Endpoint.objects.update(enabled=False)

    assert [line.endpoint.name for line in board().endpoints] == ["counts"]


def test_a_strip_shows_the_outage_and_the_days_before_anybody_looked():
    observe(make_endpoint("api"), now=NOON)

    (line,) = board().endpoints

    assert [stretch.state for stretch in line.strip] == [TimeState.UNKNOWN, TimeState.DOWN]
    assert line.outages == 1
    assert line.week.coverage < 0.001


def test_a_tenant_sees_its_own_endpoints_and_no_verdict():
    mine, other = make_tenant("Bolt"), make_tenant("Acme")
    make_endpoint("bolt", tenant=mine)
    make_endpoint("acme", tenant=other)
    make_endpoint("platform", tenant=core())

    shown = gather_tenant_board(tenant_id=mine.pk, now=NOON)

    assert [line.endpoint.name for line in shown.endpoints] == ["bolt"]
    assert shown.platform is None


def test_a_job_is_overdue_when_it_missed_more_than_one_slot():
    run_of("slo_monitoring", NOON)
    run_of("alert_checks", NOON)

    on_time, late = jobs_of(NOON + timedelta(minutes=9)), jobs_of(NOON + timedelta(minutes=11))

    assert not on_time["slo_monitoring"].overdue
    assert late["slo_monitoring"].overdue
    assert late["slo_monitoring"].next_at == NOON + timedelta(minutes=15)
    assert list(late) == list(JOBS)


def test_a_job_that_is_switched_off_or_not_scheduled_says_so():
    JobSchedule.objects.filter(name="slo_monitoring").update(enabled=False)
    JobSchedule.objects.filter(name="alert_checks").delete()

    lines = jobs_of()

    assert (lines["slo_monitoring"].next_at, lines["slo_monitoring"].fault) == (None, "switched off")
    assert "sync_jobs" in lines["alert_checks"].fault
    assert lines["synthetic_checks"].fault == ""


def test_cost_today_is_the_run_rate():
    day = {"day": NOON.date(), "source": "test"}
    record_cost_entry(service="a", amount=Decimal(2), kind=CostKind.FIXED, **day)
    record_cost_entry(service="b", amount=Decimal(3), kind=CostKind.METERED, **day)

    cost = board().platform.cost

    assert (cost.so_far, cost.total) == (Decimal(5), Decimal(8))


def test_week_by_day_counts_today_only_as_far_as_it_has_gone_by():
    endpoint = make_endpoint("api")
    observe(endpoint, now=NOON)

    days = week_by_day(endpoint, now=NOON)

    assert [line.day for line in days] == [NOON.date() - timedelta(days=back) for back in range(7)]
    assert days[0].spent.window_s == 12 * 3600
    assert days[0].spent.down_s.likely > 0
    assert days[1].spent.uptime is None


def test_the_live_verdict_is_kept_five_seconds(monkeypatch):
    asked = []
    monkeypatch.setattr(live, "judge", lambda now: asked.append(now) or judge(now=now))

    first = live_verdict(now=NOON)
    again = live_verdict(now=NOON + timedelta(seconds=4))
    later = live_verdict(now=NOON + timedelta(seconds=5))

    assert first.judged_at == again.judged_at == NOON
    assert later.judged_at == NOON + timedelta(seconds=5)
    assert len(asked) == 2


def test_the_live_verdict_is_judged_anew_while_the_cache_is_away(monkeypatch):
    def refuse(*_args, **_options):
        raise RedisConnectionError("nobody there")

    monkeypatch.setattr(_fuse, "closed_again_at", 0.0)
    monkeypatch.setattr(cache, "get_many", refuse)
    monkeypatch.setattr(cache, "set", refuse)

    assert live_verdict(now=NOON).judged_at == NOON
