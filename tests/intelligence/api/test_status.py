from datetime import UTC, datetime

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from intelligence.services import records
from intelligence.services.status import CACHED_S
from tenancy.context import activate
from tenancy.services import caching
from tests.cast import client_of, make_cast

URL = "/api/intelligence/status"
NOON = datetime(2025, 11, 15, 12, tzinfo=UTC)


@pytest.fixture
def cast():
    return make_cast()


@pytest.fixture
def alice(cast):
    return client_of(cast.alice)


def queries_of(client):
    with CaptureQueriesContext(connection) as captured:
        assert client.get(URL).status_code == 200
    return len([q for q in captured if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))])


@pytest.mark.django_db
def test_a_second_answer_within_moments_is_the_first_ones_content(alice):
    with time_machine.travel(NOON, tick=False):
        first = alice.get(URL).json()
    with time_machine.travel(datetime(2025, 11, 15, 12, 0, 2, tzinfo=UTC), tick=False):
        second = alice.get(URL).json()

    assert first["meta"]["timestamp"] == second["meta"]["timestamp"] == "2025-11-15T12:00:00Z"


@pytest.mark.django_db
def test_it_costs_nine_queries_fresh_and_two_cached(alice):
    alice.get("/api/intelligence/anomalies")  # the token's hour of last use is written once

    assert queries_of(alice) == 9
    assert queries_of(alice) == 2


@pytest.mark.django_db
def test_the_cache_holds_each_tenants_own_and_not_for_long(cast, alice):
    alice.get(URL)
    key = cache.make_key(f"tenant:{cast.tenant.pk}:0:intelligence:status")

    assert 0 < cache._cache.get_client().ttl(key) <= CACHED_S


@pytest.mark.django_db(transaction=True)
def test_what_is_recorded_outdates_the_cached_answer_once_committed(cast, alice):
    assert alice.get(URL).json()["summary"]["anomalies_24h"] == 0

    with activate(cast.tenant):
        records.log_intel_event("e", 1, 1)

    assert alice.get(URL).json()["summary"]["anomalies_24h"] == 1


@pytest.mark.django_db
def test_without_redis_it_answers_from_the_database(alice, settings, monkeypatch):
    caches = settings.CACHES["default"]
    settings.CACHES = {"default": {**caches, "LOCATION": "redis://127.0.0.1:1/0"}}
    monkeypatch.setattr(caching, "_fuse", caching._Fuse())

    assert [alice.get(URL).status_code for _ in range(3)] == [200, 200, 200]
    assert caching._fuse.closed_again_at > 0
