from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from monitoring.domain.observing import EndpointStanding, Source
from monitoring.models import EndpointState, HealthLog, HealthMinute, ObservedSpan, Outage
from monitoring.services.health_log import append_log
from monitoring.services.recording import record_probes
from tenancy.context import NoTenantScope, control_transaction
from tests.factories import NOON, core, make_endpoint, make_result

pytestmark = pytest.mark.django_db


def seconds(number):
    return timedelta(seconds=number)


def record(endpoint, *observations):
    """Record (second, ok) pairs one batch each; return the flips."""
    flips = []
    for at, ok in observations:
        result = make_result(endpoint, NOON + seconds(at), ok=ok)
        flips += record_probes([(endpoint, result)], source=Source.MONITOR)
    return [(flip.before.value, flip.after.value) for flip in flips]


def test_record_probes_writes_one_log_row_for_each_probe():
    endpoint = make_endpoint()

    record(endpoint, (0, True), (30, False), (35, True))

    with control_transaction("test"):
        rows = list(
            HealthLog.objects.order_by("ts").values_list("ok", "status_code", "error_class", "tenant_id")
        )
    assert rows == [
        (True, 200, "", core().pk),
        (False, 500, "bad_status", core().pk),
        (True, 200, "", core().pk),
    ]


def test_record_probes_keeps_the_four_instants_of_an_outage():
    endpoint = make_endpoint()

    flips = record(endpoint, (0, True), (30, False), (35, False), (40, False), (45, True))

    outage = Outage.objects.get()
    took = timedelta(milliseconds=20)
    assert flips == [("unknown", "up"), ("up", "suspect"), ("suspect", "down"), ("down", "up")]
    assert outage.confirmed
    assert outage.failures == 3
    assert (outage.last_good_at, outage.first_bad_at) == (NOON, NOON + seconds(30) + took)
    assert (outage.last_bad_at, outage.first_good_at) == (NOON + seconds(40), NOON + seconds(45) + took)


def test_record_probes_calls_a_single_failure_a_blip():
    endpoint = make_endpoint()

    record(endpoint, (0, True), (30, False), (35, True))

    assert list(Outage.objects.values_list("confirmed", "failures")) == [(False, 1)]
    assert not Outage.objects.confirmed().exists()


def test_record_probes_plans_the_confirmation_of_a_failure():
    endpoint = make_endpoint()
    EndpointState.objects.filter(endpoint=endpoint).update(next_due_at=NOON + seconds(60))

    record(endpoint, (30, False))

    state = EndpointState.objects.get(endpoint=endpoint)
    assert state.standing == EndpointStanding.SUSPECT.value
    assert state.next_due_at == NOON + seconds(30 + endpoint.confirm_interval_s) + timedelta(milliseconds=20)
    assert state.lease_until is None


def test_record_probes_opens_a_new_span_after_a_gap_longer_than_the_hold():
    endpoint = make_endpoint()

    record(endpoint, (0, True), (30, True), (30 + 76, True))

    took = timedelta(milliseconds=20)
    assert list(ObservedSpan.objects.order_by("started_at").values_list("started_at", "ended_at")) == [
        (NOON, NOON + seconds(30 + 75) + took),
        (NOON + seconds(106), NOON + seconds(106 + 75) + took),
    ]


def test_record_probes_logs_a_late_result_without_moving_the_outage():
    endpoint = make_endpoint()
    record(endpoint, (0, True), (30, True))

    record(endpoint, (10, False))

    with control_transaction("test"):
        assert HealthLog.objects.filter(ok=False).count() == 1
    assert not Outage.objects.exists()
    assert EndpointState.objects.get(endpoint=endpoint).last_at == NOON + seconds(30)


def test_record_probes_closes_one_outage_and_opens_the_next_in_one_batch():
    endpoint = make_endpoint()
    record(endpoint, (0, True), (30, False), (35, False))
    batch = [
        (endpoint, make_result(endpoint, NOON + seconds(at), ok=ok)) for at, ok in [(40, True), (70, False)]
    ]

    record_probes(batch, source=Source.MONITOR)

    rows = Outage.objects.order_by("first_bad_at")
    assert [(row.confirmed, row.first_good_at is None) for row in rows] == [(True, False), (False, True)]


def test_record_probes_rolls_up_what_it_logs():
    endpoint = make_endpoint()

    record(endpoint, (0, True), (30, False), (65, True))

    with control_transaction("test"):
        minutes = HealthMinute.objects.order_by("at").values_list("at", "total", "bad", "server_errors")
        assert list(minutes) == [(NOON, 2, 1, 1), (NOON + seconds(60), 1, 0, 0)]


@pytest.mark.parametrize("size", [1, 40])
def test_record_probes_needs_as_many_statements_for_a_batch_as_for_one(size):
    endpoints = [make_endpoint() for _ in range(size)]
    record_probes([(e, make_result(e, NOON)) for e in endpoints], source=Source.MONITOR)
    batch = [(e, make_result(e, NOON + seconds(30), ok=False)) for e in endpoints]

    with CaptureQueriesContext(connection) as queries:
        record_probes(batch, source=Source.MONITOR)

    assert len(queries) <= 14


def test_record_probes_stores_text_that_the_wire_may_not_carry():
    endpoint = make_endpoint()
    odd = 'a "quoted", comma\nand\0NUL \\N \\.'

    record_probes([(endpoint, make_result(endpoint, NOON, ok=False, error=odd))], source=Source.MONITOR)

    with control_transaction("test"):
        assert HealthLog.objects.get().error == odd.replace("\0", "\N{REPLACEMENT CHARACTER}")


def test_append_log_refuses_to_write_in_nobodys_name():
    with pytest.raises(NoTenantScope, match="control_transaction"):
        append_log([])
