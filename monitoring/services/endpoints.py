"""Puts endpoints under watch and takes them off."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import transaction

from monitoring.domain.assertions import parse_condition
from monitoring.domain.outbound import check_url
from monitoring.models import Endpoint, EndpointState
from tenancy.models import Tenant

_HEADER_NAME = re.compile(r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$")
INTELLIGENCE_API = ("status", "anomalies", "recommendations", "forecasts", "health")
SELF_COMPONENT = "portal"
# The endpoint that answers whenever the portal runs: if the prober does not see it, the prober is at fault.
KNOWN_ANSWER = "portal metrics"
API_COMPONENT = "intelligence-api"


class UnableToWatch(ValueError):
    """The endpoint cannot be watched as described; the message says what to mend."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What to watch and how."""

    url: str
    name: str = ""
    component: str = ""
    interval_s: int = 30
    pulse_s: int | None = None
    critical: bool = False
    conditions: Sequence[str] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 10


def validate_endpoint(*, url: str, conditions: Sequence[str], headers: Mapping[str, str]) -> None:
    """Check what a person wrote.

    Raises:
        UnableToWatch: naming what is wrong and how to mend it.
    """
    try:
        check_url(url)
        for condition in conditions:
            parse_condition(condition)
    except ValueError as error:
        raise UnableToWatch(str(error)) from error
    for name, value in headers.items():
        if not _HEADER_NAME.match(name):
            raise UnableToWatch(
                f"{name!r} is no header name. Use letters, digits and dashes, such as X-Api-Key."
            )
        if not isinstance(value, str) or any(ord(character) < 32 for character in value):
            raise UnableToWatch(f"The value of header {name} must be one line of text.")


@transaction.atomic
def watch_endpoint(
    watch: Watch, *, tenant: Tenant, now: datetime, intelligence_api: bool = False
) -> Endpoint:
    """This will put `watch.url` under watch, first probe at once; a known name is changed instead.

    Raises:
        UnableToWatch: when the description does not hold.
    """
    validate_endpoint(url=watch.url, conditions=watch.conditions, headers=watch.headers)
    name = watch.name or name_of(watch.url)
    endpoint = Endpoint.objects.filter(name=name).first() or Endpoint(
        name=name, tenant=tenant, created_at=now
    )
    if endpoint.pk is not None and endpoint.url != watch.url:
        raise UnableToWatch(
            f"{name!r} already watches {endpoint.url}. Choose another --name, or `unwatch` it first."
        )
    endpoint.url = watch.url
    endpoint.component = watch.component or endpoint.component or (urlsplit(watch.url).hostname or "")
    endpoint.interval_s = watch.interval_s
    endpoint.pulse_s = min(10, watch.interval_s) if watch.pulse_s is None else watch.pulse_s
    endpoint.critical = watch.critical
    endpoint.conditions = list(watch.conditions)
    endpoint.headers = dict(watch.headers)
    endpoint.timeout_s = watch.timeout_s
    endpoint.enabled = True
    endpoint.intelligence_api = intelligence_api
    try:
        endpoint.full_clean(validate_unique=False)
    except ValidationError as error:
        raise UnableToWatch(
            "; ".join(f"{k}: {' '.join(v)}" for k, v in error.message_dict.items())
        ) from error
    endpoint.save()
    ensure_state(endpoint, now=now)
    return endpoint


def ensure_state(endpoint: Endpoint, *, now: datetime) -> None:
    """This will give `endpoint` its state, due now, unless it has one."""
    EndpointState.objects.get_or_create(endpoint=endpoint, defaults={"next_due_at": now})


@transaction.atomic
def unwatch_endpoint(*, name: str) -> Endpoint:
    """This will stop probing an endpoint. What was measured stays, and so does its weight in the gates.

    Raises:
        UnableToWatch: when there is no endpoint of that name.
    """
    endpoint = Endpoint.objects.select_for_update().filter(name=name).first()
    if endpoint is None:
        raise UnableToWatch(f"No endpoint is named {name!r}. `manage.py endpoints` lists them.")
    endpoint.enabled = False
    endpoint.save(update_fields=["enabled"])
    return endpoint


@transaction.atomic
def watch_portal(*, base_url: str, tenant: Tenant, now: datetime) -> int:
    """This will put the portal's own endpoints under watch: the first thing there is to measure.

    The five intelligence endpoints need the prober's token, which their header names and does not hold.
    """
    # Spread over the interval, so that the portal does not probe itself in bursts.
    watches = [
        (
            Watch(
                f"{base_url}/health",
                "portal health",
                SELF_COMPONENT,
                critical=True,
                conditions=["[BODY].ok == true"],
            ),
            False,
        ),
        (Watch(f"{base_url}/public/metrics", KNOWN_ANSWER, SELF_COMPONENT), False),
    ]
    headers = {"Authorization": "Bearer ${LEVQOR_PROBE_KEY}"}
    for part in INTELLIGENCE_API:
        url = f"{base_url}/api/intelligence/{part}"
        watch = Watch(
            url, f"intelligence {part}", API_COMPONENT, headers=headers, conditions=["[BODY].ok == true"]
        )
        watches.append((watch, True))
    for step, (watch, is_api) in enumerate(watches):
        known = Endpoint.objects.filter(name=watch.name).first()
        if known is not None:
            # The address may have changed since the last start; what an operator edited stays.
            if known.url != watch.url:
                Endpoint.objects.filter(pk=known.pk).update(url=watch.url)
            continue
        watch_endpoint(watch, tenant=tenant, now=now + timedelta(seconds=step), intelligence_api=is_api)
    return len(watches)


def name_of(url: str) -> str:
    """The name an endpoint gets when nobody names it: host and path."""
    parts = urlsplit(url)
    return (f"{parts.netloc}{parts.path}".rstrip("/") or url)[:100]
