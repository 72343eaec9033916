from datetime import timedelta

import pytest

from monitoring.models import Endpoint, EndpointState
from monitoring.services.endpoints import (
    UnableToWatch,
    Watch,
    name_of,
    unwatch_endpoint,
    watch_endpoint,
    watch_portal,
)
from tests.factories import NOON, core, make_endpoint

pytestmark = pytest.mark.django_db


def test_watch_endpoint_is_probed_at_once():
    endpoint = make_endpoint(now=NOON)

    assert EndpointState.objects.get(endpoint=endpoint).next_due_at == NOON


def test_watch_endpoint_again_changes_it_and_keeps_its_state():
    endpoint = make_endpoint("shop", now=NOON)
    EndpointState.objects.filter(endpoint=endpoint).update(standing="up")

    again = make_endpoint("shop", now=NOON + timedelta(days=1), critical=True)

    assert again.pk == endpoint.pk
    assert again.critical
    assert EndpointState.objects.get(endpoint=endpoint).standing == "up"


def test_watch_endpoint_does_not_give_one_name_to_two_addresses():
    make_endpoint("shop", url="https://example.com/a")

    with pytest.raises(UnableToWatch, match=r"already watches https://example\.com/a"):
        make_endpoint("shop", url="https://example.com/b")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"url": "ftp://example.com/"}, "http"),
        ({"url": "not a url"}, "url"),
        ({"url": "https://user:secret@example.com/"}, "user"),
        ({"conditions": ["[STATUS] maybe 200"]}, "STATUS"),
        ({"headers": {"X Y": "1"}}, "is no header name"),
        ({"headers": {"X-Y": "1\r\nEvil: 1"}}, "one line"),
        ({"interval_s": 1}, "interval_s"),
        ({"timeout_s": 0}, "timeout_s"),
    ],
)
def test_watch_endpoint_says_what_is_wrong(wrong, words):
    watch = Watch(**{"url": "https://example.com/", **wrong})

    with pytest.raises(UnableToWatch, match=f"(?i){words}"):
        watch_endpoint(watch, tenant=core(), now=NOON)

    assert not Endpoint.objects.exists()


def test_unwatch_endpoint_keeps_what_was_measured_and_its_weight():
    endpoint = make_endpoint("shop", critical=True)

    unwatch_endpoint(name="shop")

    endpoint.refresh_from_db()
    assert not endpoint.enabled
    assert list(Endpoint.objects.critical()) == [endpoint]


def test_unwatch_endpoint_knows_no_stranger():
    with pytest.raises(UnableToWatch, match="No endpoint is named 'ghost'"):
        unwatch_endpoint(name="ghost")


def test_watch_portal_watches_its_five_intelligence_endpoints_and_itself():
    watch_portal(base_url="http://127.0.0.1:8000", tenant=core(), now=NOON)

    api = Endpoint.objects.filter(intelligence_api=True)
    assert api.count() == 5
    assert all(endpoint.headers == {"Authorization": "Bearer ${LEVQOR_PROBE_KEY}"} for endpoint in api)
    assert [endpoint.url for endpoint in Endpoint.objects.critical()] == ["http://127.0.0.1:8000/health"]


def test_watch_portal_again_follows_the_address_and_keeps_what_an_operator_changed():
    watch_portal(base_url="http://127.0.0.1:8000", tenant=core(), now=NOON)
    Endpoint.objects.filter(name="portal metrics").update(interval_s=300)

    watch_portal(base_url="http://127.0.0.1:9000", tenant=core(), now=NOON)

    metrics = Endpoint.objects.get(name="portal metrics")
    assert Endpoint.objects.count() == 7
    assert (metrics.url, metrics.interval_s) == ("http://127.0.0.1:9000/public/metrics", 300)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://shop.example.com/health?x=1", "shop.example.com/health"),
        ("https://shop.example.com:8443/", "shop.example.com:8443"),
    ],
)
def test_name_of_is_host_and_path(url, name):
    assert name_of(url) == name
