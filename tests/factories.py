"""Small makers of real rows and values for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from monitoring.clients.probe import ProbeResult
from monitoring.models import Endpoint
from monitoring.services.endpoints import Watch, watch_endpoint
from tenancy.models import Tenant

NOON = datetime(2025, 11, 15, 12, tzinfo=UTC)
_numbers = count(1)


def core() -> Tenant:
    """The seeded tenant."""
    return Tenant.objects.get(ext_id="000-CORE")


def make_tenant(name: str = "Bolt") -> Tenant:
    """Another tenant."""
    return Tenant.objects.create(ext_id=f"T-{next(_numbers):03}", name=name)


def make_endpoint(name: str = "", *, now: datetime = NOON, **watch: Any) -> Endpoint:
    """An endpoint under watch, every 30 seconds unless told otherwise."""
    name = name or f"endpoint {next(_numbers)}"
    url = watch.pop("url", f"https://example.com/{name.replace(' ', '-')}")
    tenant = watch.pop("tenant", None) or core()
    return watch_endpoint(Watch(url=url, name=name, **watch), tenant=tenant, now=now)


def make_result(
    endpoint: Endpoint, at: datetime, *, ok: bool = True, took_ms: float = 20, **fields: Any
) -> ProbeResult:
    """What a probe of `endpoint` that began at `at` brought."""
    values: dict[str, Any] = {
        "key": str(endpoint.pk),
        "started_at": at,
        "ended_at": at + timedelta(milliseconds=took_ms),
        "status": 200 if ok else 500,
        "ok": ok,
        "latency_ms": took_ms,
        "error_class": "" if ok else "bad_status",
        "error": "" if ok else "status 500 instead of 200",
        "failed_assertion": "",
        "certificate_expires_at": None,
        "ip": "192.0.2.1",
    }
    return ProbeResult(**{**values, **fields})
