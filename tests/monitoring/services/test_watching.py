from datetime import timedelta

import pytest

from monitoring.models import EndpointState
from monitoring.services.endpoints import UnableToWatch, unwatch_endpoint
from monitoring.services.probing import claim_due
from monitoring.services.watching import probe_soon, watch_again
from tests.factories import NOON, make_endpoint

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(seconds=1)


def test_probe_soon_makes_the_next_tick_claim_the_endpoint():
    asked, other = make_endpoint(), make_endpoint()
    EndpointState.objects.update(next_due_at=NOON + timedelta(hours=1))

    moved = probe_soon(ids=[asked.pk], now=LATER)

    assert moved == 1
    assert claim_due(now=LATER) == [asked.pk]
    assert other.pk not in claim_due(now=LATER)


def test_watch_again_takes_up_a_paused_endpoint():
    endpoint = make_endpoint("api", interval_s=60)
    unwatch_endpoint(name="api")
    EndpointState.objects.update(next_due_at=NOON + timedelta(hours=1))

    watched = watch_again(name="api", now=LATER)

    assert (watched.pk, watched.enabled, watched.interval_s) == (endpoint.pk, True, 60)
    assert claim_due(now=LATER) == [endpoint.pk]


def test_watch_again_names_what_is_missing():
    with pytest.raises(UnableToWatch, match="No endpoint is named 'nowhere'"):
        watch_again(name="nowhere", now=NOON)
