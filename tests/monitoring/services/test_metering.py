"""Real calls through the middleware, counted and written down, and what the judge makes of them."""

import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import Error
from django.http import HttpResponse
from django.test import Client, RequestFactory

from monitoring.domain.opslog import OpsKind
from monitoring.domain.windows import Window
from monitoring.middleware import MeteringMiddleware
from monitoring.models import ApiCallMinute, JobRun
from monitoring.services import metering
from monitoring.services.judging import judge, open_burn_in
from monitoring.services.metering import METER, Meter, RealCalls, count_real_calls
from monitoring.services.ops_log import write_entry
from tests.factories import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_meter(db, monkeypatch):
    # What earlier tests called is not to be written into this one's database, nor to be found there: tests
    # that serve real requests commit what they metered.
    monkeypatch.setattr(METER, "_counts", {})
    ApiCallMinute.objects.all().delete()


def call(status, *, path="/api/intelligence/status", authorization=""):
    request = RequestFactory().get(path, headers={"Authorization": authorization})
    MeteringMiddleware(lambda _: HttpResponse(status=status))(request)


def trailing_hour(now):
    return Window.trailing(now, timedelta(hours=1))


def test_calls_are_counted_by_minute_endpoint_and_class(settings):
    settings.LEVQOR_PROBE_KEY = "probe-key"
    with time_machine.travel(NOON, tick=False):
        for status in (200, 204, 401, 500):
            call(status)
        call(503, authorization="Bearer probe-key")
        call(404, path="/api/intelligence/../secret")
        call(500, path="/api/tenants")

    assert METER.flush() == 6

    rows = ApiCallMinute.objects.order_by("by_prober", "endpoint", "status_class")
    assert list(rows.values_list("at", "endpoint", "status_class", "by_prober", "calls")) == [
        (NOON, "other", 4, False, 1),
        (NOON, "status", 2, False, 2),
        (NOON, "status", 4, False, 1),
        (NOON, "status", 5, False, 1),
        (NOON, "status", 5, True, 1),
    ]


def test_a_second_batch_adds_to_the_same_minute():
    with time_machine.travel(NOON, tick=False):
        for _ in range(2):
            call(500)
            METER.flush()

    assert ApiCallMinute.objects.get().calls == 2


def test_calls_through_the_whole_portal_are_metered():
    answer = Client().get("/api/intelligence/status")

    METER.flush()

    assert answer.status_code == 401
    assert ApiCallMinute.objects.get().status_class == 4


def test_no_call_is_lost_between_threads_and_flushes():
    meter = Meter()
    threads = [
        threading.Thread(target=lambda: [meter.count((1, "status", 2, False), 0.001) for _ in range(2000)])
        for _ in range(4)
    ]

    for thread in threads:
        thread.start()
    written = meter.flush()
    for thread in threads:
        thread.join()
    written += meter.flush()

    assert written == 8000
    assert ApiCallMinute.objects.get().calls == 8000


def test_what_the_database_refuses_is_kept_and_written_later(monkeypatch):
    meter = Meter()
    meter.count((1, "status", 2, False), 0.25)

    def refuse(counts):
        raise Error("away")

    with monkeypatch.context() as patch:
        patch.setattr(metering, "_write", refuse)
        with pytest.raises(Error):
            meter.flush()
    meter.count((1, "status", 2, False), 0.5)

    assert meter.flush() == 2
    row = ApiCallMinute.objects.get()
    assert (row.calls, row.seconds_sum, row.seconds_max) == (2, 0.75, 0.5)


def test_a_minute_is_read_once_it_has_settled(settings):
    settings.LEVQOR_PROBE_KEY = "probe-key"
    with time_machine.travel(NOON, tick=False):
        call(500)
        METER.flush()

    too_early = NOON + timedelta(seconds=74)
    settled = NOON + timedelta(seconds=75)

    assert count_real_calls(trailing_hour(too_early), too_early) is None
    assert count_real_calls(trailing_hour(settled), settled) == RealCalls(calls=1, server_errors=1)


def test_probes_of_our_own_prove_that_calls_were_counted_and_are_no_users(settings):
    settings.LEVQOR_PROBE_KEY = "probe-key"
    with time_machine.travel(NOON, tick=False):
        call(503, authorization="Bearer probe-key")
        METER.flush()
    now = NOON + timedelta(minutes=5)

    assert count_real_calls(trailing_hour(now), now) == RealCalls(calls=0, server_errors=0)


def trigger(verdict, key):
    return next(one for one in verdict.triggers if one.key.value == key)


def test_five_hundreds_that_users_met_reach_the_trigger_and_the_error_rate():
    open_burn_in(name="b", starts_at=NOON, days=7, review_after=timedelta(days=6), actor="test")
    now = NOON + timedelta(minutes=10)
    before = judge(now=now)
    with time_machine.travel(NOON + timedelta(minutes=1), tick=False):
        for _ in range(3):
            call(500)
        METER.flush()

    after = judge(now=now)

    assert "5xx answers to real requests: unknown" in trigger(before, "api_errors").explanation
    assert "5xx answers to real requests: 3" in trigger(after, "api_errors").explanation
    assert trigger(after, "api_errors").fired


def test_heals_are_counted_from_the_ops_log_and_unknown_while_nobody_heals():
    open_burn_in(name="b", starts_at=NOON, days=7, review_after=timedelta(days=6), actor="test")
    now = NOON + timedelta(hours=1)

    assert not trigger(judge(now=now), "repeated_heal").observed

    JobRun.objects.create(
        job="intelligence_cycle",
        scheduled_for=NOON,
        created_at=NOON,
        finished_at=NOON,
        state="done",
        outcome="ok",
    )
    quiet = trigger(judge(now=now), "repeated_heal")
    for minutes in (1, 40):
        at = NOON + timedelta(minutes=minutes)
        write_entry(OpsKind.HEAL, at=at, actor="portal", text="Restarted.", subsystem="billing")
    loud = trigger(judge(now=now), "repeated_heal")

    assert (quiet.observed, quiet.fired) == (True, False)
    assert loud.fired
    assert "billing (2 times)" in loud.explanation
