"""Takes in what programs observed themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from monitoring.domain.observing import Source
from monitoring.models import Endpoint
from monitoring.services.health_log import append_log
from monitoring.services.housekeeping import PROBE_ROWS_KEPT
from monitoring.services.recompute import rebuild
from monitoring.services.steady import lock_states
from tenancy.models import Tenant

# Clocks differ a little.
AHEAD = timedelta(minutes=5)
_EXPECTED = 200


class UnableToIngest(Exception):
    """Items that cannot be stored: by their place, what is wrong with which field."""

    def __init__(self, errors: dict[int, dict[str, list[str]]]) -> None:
        super().__init__(f"{len(errors)} items cannot be stored.")
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Told:
    """One observation as a program tells it. Without `ok`, the status decides."""

    ts: datetime
    endpoint: str = ""
    ended_at: datetime | None = None
    status_code: int | None = None
    ok: bool | None = None
    latency_ms: float | None = None
    error_class: str = ""
    error: str = ""


@transaction.atomic
def ingest_observations(told: Sequence[Told], *, tenant: Tenant, now: datetime) -> int:
    """This will store the observations, all or none, with what they change of outages; how many.

    Needs the tenant's scope. A constant number of statements, and some for each endpoint.

    Raises:
        UnableToIngest: naming each item that is wrong.
    """
    names = {one.endpoint for one in told if one.endpoint}
    endpoints = {e.name: e for e in Endpoint.objects.filter(tenant=tenant, name__in=names)}
    _check(told, endpoints, now)
    earliest: dict[str, datetime] = {}
    for one in told:
        if one.endpoint:
            earliest[one.endpoint] = min(one.ts, earliest.get(one.endpoint, one.ts))
    lock_states([endpoint.pk for endpoint in endpoints.values()])
    stored = append_log(_log_row(one, endpoints.get(one.endpoint), tenant) for one in told)
    for name in sorted(earliest):
        rebuild(endpoints[name], since=earliest[name])
    return stored


def _check(told: Sequence[Told], endpoints: dict[str, Endpoint], now: datetime) -> None:
    first = (now - PROBE_ROWS_KEPT).replace(hour=0, minute=0, second=0, microsecond=0)
    errors: dict[int, dict[str, list[str]]] = {}
    for place, one in enumerate(told):
        wrong: dict[str, list[str]] = {}
        if one.endpoint and one.endpoint not in endpoints:
            wrong["endpoint"] = ["No endpoint of yours has this name."]
        if not first <= one.ts <= now + AHEAD:
            wrong["ts"] = [f"Must lie between {first:%Y-%m-%dT%H:%M:%SZ}, where retention ends, and now."]
        if one.ended_at is not None and one.ended_at < one.ts:
            wrong["ended_at"] = ["Must not be before ts."]
        elif one.ended_at is not None and one.ended_at > now + AHEAD:
            wrong["ended_at"] = ["Must not lie in the future."]
        if one.ok is None and one.status_code is None:
            wrong["ok"] = ["Tell ok, or status_code, or both."]
        if wrong:
            errors[place] = wrong
    if errors:
        raise UnableToIngest(errors)


def _log_row(one: Told, endpoint: Endpoint | None, tenant: Tenant) -> tuple[object, ...]:
    expected = endpoint.expected_status if endpoint else _EXPECTED
    ok = one.ok if one.ok is not None else one.status_code == expected
    ended_at = one.ended_at or one.ts + timedelta(milliseconds=one.latency_ms or 0)
    return (
        tenant.pk,
        endpoint.pk if endpoint else None,
        Source.API.value,
        one.ts.isoformat(),
        ended_at.isoformat(),
        one.status_code,
        ok,
        one.latency_ms,
        one.error_class,
        one.error,
        "",
    )
