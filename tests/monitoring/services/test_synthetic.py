from datetime import UTC, datetime, timedelta

import pytest

from monitoring.domain.observing import Source
from monitoring.models import Endpoint, EndpointState, HealthLog
from monitoring.services.endpoints import KNOWN_ANSWER
from monitoring.services.recording import record_probes
from monitoring.services.synthetic import sweep
from tenancy.context import control_transaction
from tests.factories import make_endpoint, make_result
from tests.platform_server import running_platform

pytestmark = pytest.mark.django_db


@pytest.fixture
def platform(settings):
    settings.PROBE_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with running_platform() as running:
        yield running


def now():
    return datetime.now(UTC)


def watch(platform, name, **fields):
    endpoint = make_endpoint(name, url=platform.url(name.replace(" ", "-")), now=now(), **fields)
    record_probes([(endpoint, make_result(endpoint, now()))], source=Source.MONITOR)
    return endpoint


def test_a_sweep_probes_everything_that_is_enabled_with_its_assertions(platform):
    watch(platform, "shop", conditions=["[BODY].ok == true"])
    watch(platform, "cart", conditions=["[BODY].ok == false"])
    Endpoint.objects.filter(pk=watch(platform, "paused").pk).update(enabled=False)

    report = sweep(now=now())

    assert (report.probed, report.failed) == (2, 1)
    assert report.findings == ("cart: [BODY].ok (true) == false.",)
    with control_transaction("test"):
        rows = HealthLog.objects.filter(source="synthetic").order_by("id")
        assert sorted((row.endpoint.name, row.ok) for row in rows) == [("cart", False), ("shop", True)]


def test_a_sweep_without_findings_says_so(platform):
    watch(platform, "shop")

    report = sweep(now=now())

    assert (report.findings, report.sentence) == ((), "1 endpoint probed, 0 failed.")


def test_a_sweep_finds_that_the_dense_prober_is_stale_by_the_known_answer(platform):
    watch(platform, "shop")
    known = watch(platform, KNOWN_ANSWER)
    later = now()
    EndpointState.objects.filter(endpoint=known).update(seen_until=later - timedelta(seconds=76))

    report = sweep(now=later)

    assert report.findings == (
        "The dense prober is stale: it saw 'portal metrics', whose answer is known, 1 min 16 s ago; "
        "1 of 2 endpoints went unobserved for too long.",
    )


def test_a_sweep_names_what_the_dense_prober_leaves_out(platform):
    watch(platform, KNOWN_ANSWER)
    shop = watch(platform, "shop")
    EndpointState.objects.filter(endpoint=shop).update(seen_until=now() - timedelta(seconds=76))

    assert sweep(now=now()).findings == ("Unobserved for more than 2.5 intervals: shop.",)


def test_an_endpoint_that_was_just_added_is_not_stale(platform):
    make_endpoint("shop", url=platform.url("shop"), now=now())

    assert sweep(now=now()).findings == ()


def test_nothing_to_probe_is_a_finding():
    assert sweep(now=now()).findings == ("No endpoint is enabled: nothing is watched.",)
