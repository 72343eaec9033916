"""The functions by which programs record what they saw and read it back.

Their names and the order of their arguments are relied on from outside. All work in the name of the active
tenant. Without a scope they work for the default tenant while there is only one (TENANCY_MODE=single), so
that they can be called from a bare shell; in `dual` and `multi` they raise `NoTenantScope`, and so they do in
the control plane, which is no tenant. A refused argument is a ValueError that names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from intelligence.domain.arguments import (
    MAX_HORIZON_DAYS,
    MAX_ROWS,
    accept_latency,
    accept_mapping,
    accept_number,
    accept_percent,
    accept_text,
    accept_whole,
)
from intelligence.domain.words import Priority
from intelligence.models import AiForecast, IntelAction, IntelEvent, IntelRecommendation
from intelligence.services import lists
from intelligence.services.lists import PageQuery, Row
from intelligence.services.summary import outdate_status, summarize
from monitoring.services.observations import record_reported
from tenancy.context import NoTenantScope, current_scope, current_tenant_id, enter, tenant_scope
from tenancy.domain.modes import Ceiling
from tenancy.services.members import default_tenant

_NAME = 100
_WORDS = 200
_LONG = 10_000
_RECOMMENDATION_KEYS = frozenset({"type", "priority", "message", "metric", "evidence"})


def log_health_metric(
    frontend: object, backend: object, latency_ms: float | None, error: str | None = None
) -> int:
    """This will store one observation of the platform's two halves and return its id.

    Args:
        frontend: what the front end said: a word or a status code.
        backend: the same of the back end.
        latency_ms: milliseconds, 0 or more; None when it was not measured.
        error: what went wrong; without one the observation counts as good.
    """
    said = _said(frontend, "frontend"), _said(backend, "backend")
    latency = accept_latency(latency_ms)
    wrong = accept_text(error, "error", _LONG, empty=True) if error is not None else ""
    with _tenant_transaction():
        row = record_reported(
            frontend=said[0], backend=said[1], latency_ms=latency, error=wrong, now=timezone.now()
        )
        outdate_status()
    return row.pk


def log_intel_event(event: str, value: float, mean: float | None) -> str:
    """This will store an anomaly (`mean` is what was expected; None = not known) and return its id."""
    row = IntelEvent(
        event=accept_text(event, "event", _NAME),
        value=accept_number(value, "value"),
        mean=None if mean is None else accept_number(mean, "mean"),
        ts=timezone.now(),
    )
    return _store(row)


def log_intel_action(action: str, metadata: Mapping[str, object]) -> str:
    """This will store a self-healing action and return its id.

    `metadata["subsystem"]`, when it is a text, is what the judge counts repeated heals by.
    """
    details = accept_mapping(metadata, "metadata")
    subsystem = details.get("subsystem", "")
    row = IntelAction(
        action=accept_text(action, "action", _NAME),
        metadata=details,
        subsystem=accept_text(subsystem, 'metadata["subsystem"]', _NAME, empty=True),
        ts=timezone.now(),
    )
    return _store(row)


def save_forecast(predicted_revenue: float, churn_rate: float, horizon_days: int) -> str:
    """This will store a forecast (US dollars over the horizon; percent of members) and return its id."""
    row = AiForecast(
        predicted_revenue=accept_number(predicted_revenue, "predicted_revenue"),
        churn_rate=accept_percent(churn_rate, "churn_rate"),
        horizon_days=accept_whole(horizon_days, "horizon_days", 1, MAX_HORIZON_DAYS),
        ts=timezone.now(),
    )
    return _store(row)


def save_recommendations(recommendations: Sequence[Mapping[str, object]]) -> int:
    """This will store recommendations as one batch, all or none, and return how many.

    Each is a mapping with `type`, `priority` (high, medium, low) and `message`, and may have `metric` and
    `evidence` (a mapping).
    """
    if isinstance(recommendations, str | Mapping) or not isinstance(recommendations, Sequence):
        raise ValueError("recommendations must be a list of mappings.")
    if len(recommendations) > MAX_ROWS:
        raise ValueError(f"recommendations may have {MAX_ROWS} items, and this has {len(recommendations)}.")
    now, batch = timezone.now(), uuid4()
    rows = [_recommendation(item, f"recommendations[{i}]", now) for i, item in enumerate(recommendations)]
    for row in rows:
        row.batch = batch
    with _tenant_transaction():
        IntelRecommendation.objects.bulk_create(rows)
        outdate_status()
    return len(rows)


def get_intelligence_summary() -> Row:
    """What happened lately: `{anomalies_24h, actions_24h, latest_forecast, health}`.

    `health` is `{avg_latency_ms, error_rate, total_checks}` over the last hour; `error_rate` is in percent.
    With no check in that hour `total_checks` is 0 and the other two are None, because nothing is known.
    """
    now = timezone.now()
    with _tenant_transaction():
        return summarize(now)


def get_recent_events(limit: int = 20) -> list[Row]:
    """The newest anomalies, the newest first, as JSON-ready dicts; `limit` is 1 to 200. One query."""
    query = _newest(limit)
    with _tenant_transaction():
        return lists.list_events(query).rows


def get_recent_actions(limit: int = 10) -> list[Row]:
    """The newest self-healing actions, the newest first. One query."""
    query = _newest(limit)
    with _tenant_transaction():
        return lists.list_actions(query).rows


def get_recent_forecasts(limit: int = 10) -> list[Row]:
    """The newest forecasts, the newest first. One query."""
    query = _newest(limit)
    with _tenant_transaction():
        return lists.list_forecasts(query).rows


def get_recent_health_logs(limit: int = 20) -> list[Row]:
    """The newest observations, the newest first. Three queries whatever the size of the log."""
    query = _newest(limit)
    with _tenant_transaction():
        return lists.list_health(query).rows


def get_recent_recommendations(limit: int = 5) -> list[Row]:
    """The newest recommendations, the newest first. One query."""
    query = _newest(limit)
    with _tenant_transaction():
        return lists.list_recommendations(query).rows


@contextmanager
def _tenant_transaction() -> Iterator[None]:
    scope = current_scope()
    if scope is None:
        if Ceiling.SINGLE.value != settings.TENANCY_MODE:
            raise NoTenantScope(
                f"No tenant is active, and TENANCY_MODE is {settings.TENANCY_MODE}, so none can be assumed. "
                "Wrap the call in tenant_transaction(tenant)."
            )
        scope = tenant_scope(default_tenant())
    with enter(scope):
        current_tenant_id()
        with transaction.atomic():
            yield


def _store(row: IntelEvent | IntelAction | AiForecast) -> str:
    with _tenant_transaction():
        row.save(force_insert=True)
        outdate_status()
    return str(row.pk)


def _newest(limit: object) -> PageQuery:
    return PageQuery(limit=accept_whole(limit, "limit", 1, MAX_ROWS), now=timezone.now())


def _said(value: object, name: str) -> str:
    """A word, or a status code or truth value as a word."""
    if isinstance(value, bool | int):
        return str(value).lower()
    return accept_text(value, name, _WORDS, empty=True)


def _recommendation(item: object, place: str, now: datetime) -> IntelRecommendation:
    if not isinstance(item, Mapping):
        raise ValueError(f"{place} must be a mapping, and this is {type(item).__name__}.")
    unknown = sorted(str(key) for key in set(item) - _RECOMMENDATION_KEYS)
    if unknown:
        raise ValueError(f"{place} has unknown keys: {', '.join(unknown)}.")
    priorities = [priority.value for priority in Priority]
    if item.get("priority") not in priorities:
        raise ValueError(
            f"{place}.priority must be one of {', '.join(priorities)}, and this is {item.get('priority')!r}."
        )
    return IntelRecommendation(
        type=accept_text(item.get("type"), f"{place}.type", 64),
        priority=item["priority"],
        message=accept_text(item.get("message"), f"{place}.message", _LONG),
        metric=accept_text(item.get("metric") or "", f"{place}.metric", _NAME, empty=True),
        evidence=accept_mapping(item.get("evidence") or {}, f"{place}.evidence"),
        ts=now,
    )
