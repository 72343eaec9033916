import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from monitoring.clients.stripe import Refusal, UnableToReadCharges, read_charges
from tests.monitoring.clients.stripe_server import KEY, charge, stripe_server

DAY = datetime(2025, 11, 14, tzinfo=UTC)
NOON = int(DAY.timestamp()) + 43200


@pytest.fixture
def stripe(settings):
    with stripe_server() as server:
        settings.STRIPE_BASE_URL, settings.STRIPE_API_KEY = server.url, KEY
        yield server


def read(waits=None, **options):
    waits = [] if waits is None else waits
    return read_charges(DAY, DAY + timedelta(days=1), sleep=waits.append, **options)


def test_all_pages_of_the_day_are_read_and_no_other_day(stripe):
    stripe.charges = [charge(n, NOON + n) for n in range(250)]
    stripe.charges += [charge(900, NOON - 86400), charge(901, int(DAY.timestamp()) + 86400)]

    charges = read()

    assert len({c.id for c in charges}) == len(charges) == 250
    assert len(stripe.queries) == 3


def test_a_null_description_refunds_disputes_and_failures_are_read(stripe):
    stripe.charges = [
        charge(1, NOON),
        charge(2, NOON, amount_refunded=500, disputed=True, description="Pro"),
        charge(3, NOON, paid=False, status="failed", amount_captured=0),
        charge(4, NOON, captured=False, amount_captured=0),
        charge(5, NOON, currency="eur"),
    ]

    found = {c.id[-1]: c for c in read()}

    assert (found["1"].amount, found["1"].description) == (Decimal(20), "")
    assert (found["2"].refunded, found["2"].disputed) == (Decimal(5), True)
    assert (found["3"].paid, found["3"].amount) == (False, 0)
    assert (found["4"].amount, found["5"].currency) == (0, "eur")


def test_when_told_to_wait_it_waits_so_long_and_asks_again(stripe):
    error = json.dumps({"error": {"type": "invalid_request_error", "message": "slow down"}}).encode()
    stripe.charges = [charge(1, NOON)]
    stripe.first = [(429, {"Retry-After": "7"}, error), (500, {}, b'{"error": {"type": "api_error"}}')]
    waits = []

    assert len(read(waits)) == 1
    assert waits == [7, 2]


@pytest.mark.parametrize(
    ("answers", "refusal"),
    [
        ([(401, {}, b'{"error": {"type": "invalid_request_error"}}')], Refusal.NOT_AUTHORISED),
        ([(403, {}, b'{"error": {"type": "invalid_request_error"}}')], Refusal.NOT_AUTHORISED),
        ([(429, {}, b'{"error": {"type": "rate_limit_error"}}')] * 3, Refusal.THROTTLED),
        ([(500, {}, b'{"error": {"type": "api_error"}}')] * 3, Refusal.UNAVAILABLE),
        ([(503, {}, b"<html>")] * 3, Refusal.UNAVAILABLE),
        ([(200, {}, b"<html>")], Refusal.NOT_UNDERSTOOD),
        ([(200, {}, b"{}")], Refusal.NOT_UNDERSTOOD),
        (
            [(200, {}, b'{"object": "list", "data": [{"object": "charge"}], "has_more": false}')],
            Refusal.NOT_UNDERSTOOD,
        ),
        ([(400, {}, b'{"error": {"type": "invalid_request_error"}}')], Refusal.NOT_UNDERSTOOD),
        ([0.6, 0.6, 0.6], Refusal.UNAVAILABLE),
    ],
)
def test_a_failure_is_told_by_its_kind(stripe, answers, refusal):
    stripe.first = list(answers)

    with pytest.raises(UnableToReadCharges) as failed:
        read(timeout_s=0.3)

    assert failed.value.refusal is refusal
    assert KEY not in str(failed.value)


def test_a_second_page_that_fails_gives_no_half_of_a_day(stripe):
    stripe.charges = [charge(n, NOON) for n in range(150)]
    read()
    page = json.dumps({"object": "list", "data": stripe.charges[:100], "has_more": True}).encode()
    stripe.first = [(200, {}, page), (401, {}, b'{"error": {}}')]

    with pytest.raises(UnableToReadCharges):
        read()


def test_nobody_there_is_unavailable(settings):
    settings.STRIPE_BASE_URL, settings.STRIPE_API_KEY = "http://127.0.0.1:1", KEY

    with pytest.raises(UnableToReadCharges) as failed:
        read()

    assert failed.value.refusal is Refusal.UNAVAILABLE
