"""The open addresses: is the portal well, what it tells everybody, and what it tells Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from ipaddress import ip_address, ip_network
from threading import Lock
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed

from monitoring.domain.exposition import Format, render
from monitoring.domain.liveness import PortalState
from monitoring.services.exposition import read_gauges
from monitoring.services.portal_health import read_parts
from monitoring.services.public_metrics import read_public_metrics
from tenancy.api.authentication import TokenAuthentication
from tenancy.api.errors import error_body, json_error
from tenancy.models import Tenant

_started = monotonic()
_METRICS_CACHED_S = 15.0
_View = Callable[[HttpRequest], HttpResponse]


def _read_only(view: _View) -> _View:
    """GET and HEAD; OPTIONS says so; anything else is a typed 405."""

    @wraps(view)
    def only(request: HttpRequest) -> HttpResponse:
        if request.method in ("GET", "HEAD"):
            return view(request)
        if request.method == "OPTIONS":
            return HttpResponse(status=204, headers={"Allow": "GET, HEAD, OPTIONS"})
        response = json_error(request, 405, f'Method "{request.method}" not allowed.')
        response["Allow"] = "GET, HEAD, OPTIONS"
        return response

    return only


# No transaction around it: the portal must be able to say that there is no database.
@transaction.non_atomic_requests
@_read_only
def health(request: HttpRequest) -> HttpResponse:
    """200 when the portal does its job; 503 when it cannot, naming the part that is missing.

    `degraded` = it answers but does not measure (broker, beat or worker away); `down` = no database, or one
    in which tenants are not kept apart.
    """
    now = timezone.now()
    parts = read_parts()
    well = parts.state is PortalState.OK
    body: dict[str, Any] = {
        "ok": well,
        "status": parts.state.value,
        "version": settings.LEVQOR_VERSION,
        "tenancy_mode": settings.TENANCY_MODE,
        **{name: state.value for name, state in asdict(parts).items()},
        "uptime_seconds": round(monotonic() - _started, 3),
        "ts": now.isoformat(),
    }
    if not well:
        body |= error_body("unavailable", parts.explain(), request)
    response = JsonResponse(body, status=200 if well else 503)
    response["Cache-Control"] = "no-store"
    return response


class _Kept:
    """The last answer and when it was made; one thread makes the next one."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.until = 0.0
        self.body: dict[str, Any] = {}


_metrics = _Kept()


@transaction.non_atomic_requests
@_read_only
def public_metrics(request: HttpRequest) -> HttpResponse:
    """Uptime and what else may be known by everybody, at most 15 s old; `last_updated` says how old."""
    with _metrics.lock:
        if monotonic() >= _metrics.until:
            now = timezone.now()
            _metrics.body = {**asdict(read_public_metrics(now)), "last_updated": now.isoformat()}
            _metrics.until = monotonic() + _METRICS_CACHED_S
        body = _metrics.body
    return JsonResponse(body, headers={"Cache-Control": f"max-age={int(_METRICS_CACHED_S)}"})


@transaction.non_atomic_requests
@_read_only
def metrics(request: HttpRequest) -> HttpResponse:
    """The measurements as Prometheus reads them, for a member's token or an allowed network.

    They name the platform's endpoints and gates, so a token of another tenant does not open them.
    """
    refusal = None if _from_allowed_network(request) else _token_refusal(request)
    if refusal is not None:
        return refusal
    accept = request.headers.get("Accept", "")
    form = Format.OPENMETRICS if "application/openmetrics-text" in accept else Format.PLAIN
    text = render(read_gauges(timezone.now()), form)
    return HttpResponse(
        text, content_type=form.value, headers={"Cache-Control": "no-store", "Vary": "Accept"}
    )


def _from_allowed_network(request: HttpRequest) -> bool:
    """By the address of the connection: a header that says otherwise could be anybody's."""
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return any(address in ip_network(text, strict=False) for text in settings.METRICS_ALLOWED_NETWORKS)


def _token_refusal(request: HttpRequest) -> HttpResponse | None:
    try:
        found = TokenAuthentication().authenticate(request)  # type: ignore[arg-type]  # it reads the header only
    except AuthenticationFailed as error:
        return _unauthorized(request, str(error.detail))
    if found is None:
        return _unauthorized(request, "A token is needed: Authorization: Bearer TOKEN.")
    if not Tenant.objects.of_member(found[0].pk).filter(ext_id=settings.DEFAULT_TENANT_ID).exists():
        return json_error(request, 403, "These are the platform's own measurements.")
    return None


def _unauthorized(request: HttpRequest, message: str) -> HttpResponse:
    response = json_error(request, 401, message)
    response["WWW-Authenticate"] = 'Bearer realm="levqor"'
    return response
