from datetime import timedelta

import pytest

from monitoring.domain.observing import Source
from monitoring.models import Endpoint, EndpointState
from monitoring.services.probing import BATCH_SIZE, batches, claim_due, probe_request
from monitoring.services.recording import record_probes
from tests.factories import NOON, make_endpoint, make_result

pytestmark = pytest.mark.django_db


def due(endpoint):
    return EndpointState.objects.get(endpoint=endpoint).next_due_at


def test_claim_due_takes_what_is_due_once():
    first, later = make_endpoint(now=NOON), make_endpoint(now=NOON + timedelta(seconds=60))

    claimed, again = claim_due(now=NOON), claim_due(now=NOON)

    assert claimed == [first.pk]
    assert again == []
    assert due(later) == NOON + timedelta(seconds=60)


def test_claim_due_plans_the_next_probe_at_once():
    endpoint = make_endpoint(now=NOON, interval_s=30, pulse_s=10)

    claim_due(now=NOON + timedelta(seconds=3))

    assert due(endpoint) == NOON + timedelta(seconds=10)


def test_claim_due_does_not_catch_up_on_probes_that_were_missed():
    endpoint = make_endpoint(now=NOON, interval_s=30, pulse_s=0)

    claim_due(now=NOON + timedelta(hours=1))

    assert due(endpoint) == NOON + timedelta(hours=1, seconds=30)


def test_claim_due_takes_over_what_a_dead_worker_held():
    endpoint = make_endpoint(now=NOON)
    claim_due(now=NOON)

    early = claim_due(now=NOON + timedelta(seconds=endpoint.timeout_s + 14))
    late = claim_due(now=NOON + timedelta(seconds=endpoint.timeout_s + 16))

    assert (early, late) == ([], [endpoint.pk])


def test_claim_due_leaves_paused_endpoints_alone():
    endpoint = make_endpoint(now=NOON)
    Endpoint.objects.filter(pk=endpoint.pk).update(enabled=False)

    assert claim_due(now=NOON) == []


def test_claim_due_probes_a_failing_endpoint_every_confirm_interval():
    endpoint = make_endpoint(now=NOON, interval_s=30)
    claim_due(now=NOON)
    record_probes([(endpoint, make_result(endpoint, NOON, ok=False))], source=Source.MONITOR)

    assert claim_due(now=NOON + timedelta(seconds=3)) == []
    assert claim_due(now=NOON + timedelta(seconds=5)) == [endpoint.pk]


def test_batches_cut_what_is_due_into_portions():
    ids = list(range(BATCH_SIZE * 2 + 1))

    assert [len(batch) for batch in batches(ids)] == [BATCH_SIZE, BATCH_SIZE, 1]


def test_probe_request_fills_in_secrets_made_for_probes_and_no_others(monkeypatch, settings):
    settings.LEVQOR_PROBE_KEY = "s3cret"
    monkeypatch.setenv("LEVQOR_PROBE_SHOP", "other")
    monkeypatch.setenv("DATABASE_URL", "postgres://never")
    endpoint = make_endpoint(
        headers={
            "Authorization": "Bearer ${LEVQOR_PROBE_KEY}",
            "X-Odd": "${DATABASE_URL}",
            "X-Shop": "${LEVQOR_PROBE_SHOP}",
        }
    )

    request = probe_request(endpoint)

    assert request.headers == (
        ("Authorization", "Bearer s3cret"),
        ("X-Odd", "${DATABASE_URL}"),
        ("X-Shop", "other"),
    )
