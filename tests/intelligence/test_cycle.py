"""An outage of a real server, from its probes to the event, the signed webhook and the recommendation."""

import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from intelligence.domain.healing import ActionState
from intelligence.models import HealRule, IntelAction, IntelEvent, IntelRecommendation, RecommendationBatch
from intelligence.services.cycle import run_cycle
from monitoring.domain.observing import Source
from monitoring.models import OpsLogEntry
from monitoring.services.probing import probe_endpoints
from monitoring.services.recording import record_probes
from tenancy.context import control_transaction
from tenancy.domain.modes import MemberRole
from tenancy.domain.tokens import TokenScope
from tenancy.services.members import add_member, create_token
from tests.factories import core, make_endpoint, make_result
from tests.monitoring.clients.servers import LocalServer, reply
from tests.people import browser_of, make_superuser
from tests.platform_server import running_platform

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "a-secret-that-only-the-hook-knows"
QUARTER = timedelta(minutes=15)


def history(endpoint, *, until, days=2):
    """A good probe every quarter, with small real-looking latencies."""
    count = int(timedelta(days=days) / QUARTER)
    times = [until - QUARTER * (count - n) for n in range(count)]
    results = [make_result(endpoint, at, took_ms=20 + n % 7) for n, at in enumerate(times)]
    record_probes([(endpoint, one) for one in results], source=Source.MONITOR)


def rows(model):
    with control_transaction("test"):
        return list(model.objects.order_by("pk"))


def body_of(request):
    head, _, body = request.partition(b"\r\n\r\n")
    lines = [line.partition(b": ") for line in head.split(b"\r\n")[1:]]
    return {name.decode().lower(): value.decode() for name, _, value in lines}, body


def test_an_outage_becomes_an_event_an_action_and_a_recommendation_within_one_cycle(settings):
    settings.PROBE_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.HEAL_WEBHOOK_SECRET = SECRET
    now = timezone.now()
    with running_platform() as platform, LocalServer({"/heal": reply()}) as hook:
        shop = make_endpoint("shop", url=platform.url("shop"), now=now - timedelta(days=3), critical=True)
        history(shop, until=now - 2 * QUARTER)
        with control_transaction("test"):
            HealRule.objects.create(
                name="Restart the shop",
                trigger="anomaly",
                series_kind="availability",
                kind="webhook",
                target=hook.url("/heal"),
                dry_run=True,
            )
        run_cycle(now)
        assert rows(IntelEvent) == []

        platform.fail("shop", "500")
        for _ in range(3):
            probe_endpoints([shop.pk], source=Source.MONITOR)
        report = run_cycle(now + 2 * QUARTER)
        again = run_cycle(now + 2 * QUARTER)

    (event,) = [
        one for one in rows(IntelEvent) if one.event == "availability" and one.series.startswith("endpoint")
    ]
    assert event.value == 0.0
    assert event.severity in ("P1", "P2", "P3")
    assert "Availability of shop is 0" in event.details["explanation"]
    assert report.events >= 1
    assert again.events == 0

    (action,) = [one for one in rows(IntelAction) if one.subsystem == "shop"]
    assert action.state == ActionState.SUCCEEDED.value
    assert action.dry_run_result["ok"] is True
    assert action.event_id == event.pk

    headers, body = body_of(hook.requests[0])
    signed = f"{headers['x-levqor-timestamp']}.{headers['x-levqor-id']}.".encode() + body
    expected = "sha256=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["x-levqor-signature"] == expected
    assert json.loads(body)["dry_run"] is True
    assert headers["x-levqor-id"] == str(action.pk)

    down = [one for one in rows(IntelRecommendation) if one.key == f"down:endpoint:{shop.pk}"]
    assert [(one.priority, one.state) for one in down] == [("high", "open")]
    assert max(rows(RecommendationBatch), key=lambda one: one.ts).recommendations[0]["priority"] == "high"
    assert not OpsLogEntry.objects.filter(kind="heal").exists()  # a dry run heals nothing
    assert OpsLogEntry.objects.filter(subsystem="shop", text__startswith="Dry run").count() == 1

    ada = make_superuser()
    add_member(tenant=core(), user=ada, role=MemberRole.OWNER, actor="test")
    token = create_token(user=ada, name="t", scope=TokenScope.READ, now=now, lifetime=None)
    browser = browser_of(ada)
    text = getattr(token, "text", token)
    auth = {"headers": {"Authorization": f"Bearer {text}"}}
    assert str(event.pk) in browser.get("/api/intelligence/anomalies", **auth).text
    assert str(action.pk) in browser.get("/api/intelligence/status", **auth).text
    assert "shop is down" in browser.get("/api/intelligence/recommendations", **auth).text
    assert "availability" in browser.get("/admin/intelligence/intelevent/").text
    assert "Restart the shop" in browser.get("/admin/intelligence/intelaction/").text
    assert "shop is down" in browser.get("/admin/intelligence/intelrecommendation/").text
