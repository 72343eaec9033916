"""The lists of the intelligence tables, newest first, a page at a time.

A page is found by its place (keyset), not by its number: each costs the same, however deep, and a row that
arrives meanwhile shifts nothing. All run in the active tenant's scope, whose policy leaves only its rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from intelligence.domain.rows import moment, number
from intelligence.models import AiForecast, IntelAction, IntelEvent, IntelRecommendation
from monitoring.services.observations import ObservationQuery, newest_observations
from tenancy.context import current_tenant_id

Row = dict[str, Any]
Place = tuple[datetime, str]
_Listed = TypeVar("_Listed", bound=Model)


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which rows: at most `limit` in `[start, end)`, after (older than) the place `before`."""

    limit: int
    start: datetime | None = None
    end: datetime | None = None
    before: Place | None = None
    component: str = ""
    severity: str = ""
    # Where the newest observations end: a hint, not a bound.
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and the place to go on from; None when there is nothing older."""

    rows: list[Row]
    next: Place | None


def list_events(query: PageQuery) -> Page:
    """Anomalies. One query."""
    rows = IntelEvent.objects.all()
    if query.component:
        rows = rows.filter(component=query.component)
    if query.severity:
        rows = rows.filter(severity=query.severity)
    return _page(rows, query, event_row)


def list_actions(query: PageQuery) -> Page:
    """Self-healing actions. One query."""
    return _page(IntelAction.objects.all(), query, action_row)


def list_recommendations(query: PageQuery) -> Page:
    """Recommendations. One query."""
    return _page(IntelRecommendation.objects.all(), query, recommendation_row)


def list_forecasts(query: PageQuery) -> Page:
    """Forecasts. One query."""
    return _page(AiForecast.objects.all(), query, forecast_row)


def latest_forecast() -> AiForecast | None:
    """The newest forecast. One query."""
    return AiForecast.objects.order_by("-ts", "-id").first()


def list_health(query: PageQuery) -> Page:
    """Observations. Three queries (four with a component) whatever the size of the log."""
    before = (query.before[0], int(query.before[1])) if query.before else None
    found = newest_observations(
        ObservationQuery(query.limit + 1, query.start, query.end, before, query.component, query.now),
        current_tenant_id(),
    )
    shown = found[: query.limit]
    place = (shown[-1]["ts"], str(shown[-1]["id"])) if len(found) > query.limit else None
    return Page([_health_row(row) for row in shown], place)


def _page(rows: QuerySet[_Listed], query: PageQuery, as_row: Callable[[_Listed], Row]) -> Page:
    if query.start:
        rows = rows.filter(ts__gte=query.start)
    if query.end:
        rows = rows.filter(ts__lt=query.end)
    if query.before:
        ts, pk = query.before
        # The first half bounds the index scan, the second settles rows of the very same instant.
        rows = rows.filter(ts__lte=ts).filter(Q(ts__lt=ts) | Q(pk__lt=pk))
    found: list[Any] = list(rows.order_by("-ts", "-id")[: query.limit + 1])
    shown = found[: query.limit]
    place = (shown[-1].ts, str(shown[-1].pk)) if len(found) > query.limit else None
    return Page([as_row(row) for row in shown], place)


def event_row(event: IntelEvent) -> Row:
    """An anomaly as JSON."""
    return {
        "id": str(event.pk),
        "event": event.event,
        "value": number(event.value),
        "mean": number(event.mean),
        "ts": moment(event.ts),
        "component": event.component,
        "severity": event.severity,
        "details": event.details,
    }


def action_row(action: IntelAction) -> Row:
    """A self-healing action as JSON."""
    return {
        "id": str(action.pk),
        "action": action.action,
        "metadata": action.metadata,
        "ts": moment(action.ts),
        "subsystem": action.subsystem,
    }


def recommendation_row(recommendation: IntelRecommendation) -> Row:
    """A recommendation as JSON."""
    return {
        "id": str(recommendation.pk),
        "type": recommendation.type,
        "priority": recommendation.priority,
        "message": recommendation.message,
        "metric": recommendation.metric,
        "evidence": recommendation.evidence,
        "state": recommendation.state,
        "batch": str(recommendation.batch) if recommendation.batch else None,
        "ts": moment(recommendation.ts),
    }


def forecast_row(forecast: AiForecast) -> Row:
    """A forecast as JSON."""
    return {
        "id": str(forecast.pk),
        "predicted_revenue": number(forecast.predicted_revenue),
        "churn_rate": number(forecast.churn_rate),
        "horizon_days": forecast.horizon_days,
        "ts": moment(forecast.ts),
        "low": number(forecast.low),
        "high": number(forecast.high),
        "method": forecast.method,
        "data_points": forecast.data_points,
        "confidence": number(forecast.confidence),
        "backtest_error": number(forecast.backtest_error),
    }


def _health_row(row: Row) -> Row:
    return {
        "id": row["id"],
        "ts": moment(row["ts"]),
        "ended_at": moment(row["ended_at"]),
        "endpoint": row["endpoint"],
        "component": row["component"],
        "source": row["source"],
        "status_code": row["status_code"],
        "ok": row["ok"],
        "latency_ms": number(row["latency_ms"]),
        "frontend": row["frontend"],
        "backend": row["backend"],
        "error_class": row["error_class"],
        # None = no error, as log_health_metric() takes it.
        "error": row["error"] or None,
        "failed_assertion": row["failed_assertion"],
    }
