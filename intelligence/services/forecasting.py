"""Forecasts from the stored history, and what became of earlier ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from statistics import fmean

from django.db.models import Min

from intelligence.domain.forecasting import (
    AT_LEAST_ZERO,
    PERCENT,
    Forecast,
    Method,
    forecast,
)
from intelligence.domain.growth import GrowthKind
from intelligence.domain.series import SeriesKind
from intelligence.domain.words import Measure
from intelligence.models import AiForecast, AnalyticsAggregate, GrowthEvent, SeriesForecast
from intelligence.services.collecting import daily_values, days_between
from intelligence.services.retention import churn_by_day, completed_day
from tenancy.models import Tenant

HORIZON_DAYS = 30
# The history that is read: two years, as long as growth events are kept.
_HISTORY = timedelta(days=730)
# Daily churn costs a pass over all members for each day.
_CHURN_HISTORY = timedelta(days=180)
# Of these the horizon's figure is the mean of its days, not their sum.
_LEVELS = (Measure.ACTIVE_USERS, Measure.CHURN)
_KINDS = {
    Measure.COST: SeriesKind.COST,
    Measure.REVENUE: SeriesKind.REVENUE,
    Measure.SIGN_UPS: SeriesKind.SIGN_UPS,
}


def history(measure: Measure, first: date, last: date) -> dict[date, float]:
    """The known days of a measure in the scope. A day between growth events without any of a kind had none."""
    if measure is Measure.CHURN:
        return churn_by_day(max(first, last - _CHURN_HISTORY), last)
    if measure is Measure.ACTIVE_USERS:
        rows = AnalyticsAggregate.objects.filter(day__gte=first, day__lte=last, dau__isnull=False)
        return {day: float(dau) for day, dau in rows.values_list("day", "dau") if dau is not None}
    found = daily_values(_KINDS[measure], first, last)
    if measure is Measure.COST or not found:
        return found
    kind = GrowthKind.PAID if measure is Measure.REVENUE else GrowthKind.SIGNUP
    began = GrowthEvent.objects.filter(kind=kind.value).aggregate(at=Min("at"))["at"]
    start = max(first, began.astimezone(UTC).date())
    return {day: found.get(day, 0.0) for day in days_between(start, last)}


def forecast_measure(measure: Measure, *, tenant: Tenant, now: datetime) -> SeriesForecast:
    """This will forecast the 30 days from today and keep it, once a day. Needs a scope that sees the history."""
    last = completed_day(now)
    known = history(measure, last - _HISTORY, last)
    values = [known.get(day) for day in days_between(min(known), last)] if known else []
    bounds = PERCENT if measure is Measure.CHURN else AT_LEAST_ZERO
    found = forecast(values, HORIZON_DAYS, bounds=bounds)
    predicted, low, high = _over_horizon(measure, found)
    row, _ = SeriesForecast.objects.get_or_create(
        tenant=tenant,
        measure=measure.value,
        starts_on=last + timedelta(days=1),
        horizon_days=HORIZON_DAYS,
        defaults={
            "ts": now,
            "predicted": predicted,
            "low": low,
            "high": high,
            "path": [list(day) for day in zip(found.mean, found.low, found.high, strict=True)],
            "method": found.method.value,
            "data_points": found.data_points,
            "confidence": found.confidence,
            "backtest_error": found.backtest_error,
            "explanation": found.explanation,
        },
    )
    return row


def _over_horizon(measure: Measure, found: Forecast) -> tuple[float | None, float | None, float | None]:
    if found.method is Method.NONE or found.total is None:
        return None, None, None
    if measure in _LEVELS:
        return fmean(found.mean), fmean(found.low), fmean(found.high)
    return found.total.mean, found.total.low, found.total.high


def keep_ai_forecast(revenue: SeriesForecast, churn: SeriesForecast) -> AiForecast | None:
    """This will keep revenue and churn as one forecast for the API; None unless both could be forecast."""
    if revenue.predicted is None or churn.predicted is None:
        return None
    row, _ = AiForecast.objects.get_or_create(
        tenant_id=revenue.tenant_id,
        ts=revenue.ts,
        horizon_days=revenue.horizon_days,
        defaults={
            "predicted_revenue": revenue.predicted,
            "churn_rate": churn.predicted,
            "low": revenue.low,
            "high": revenue.high,
            "method": revenue.method,
            "data_points": revenue.data_points,
            "confidence": revenue.confidence,
            "backtest_error": revenue.backtest_error,
        },
    )
    return row


def score_past(measures: Mapping[Measure, object], *, tenant: Tenant, now: datetime) -> int:
    """This will compare forecasts whose horizon is over with what came, and return how many.

    One whose days are not all known stays unscored: half of an answer would flatter or blame it.
    """
    last, scored = completed_day(now), 0
    due = SeriesForecast.objects.filter(
        tenant=tenant,
        measure__in=[one.value for one in measures],
        scored_at__isnull=True,
        predicted__isnull=False,
        starts_on__lte=last - timedelta(days=HORIZON_DAYS - 1),
    )
    for row in due:
        end = row.starts_on + timedelta(days=row.horizon_days - 1)
        measure = Measure(row.measure)
        came = history(measure, row.starts_on, end)
        days = days_between(row.starts_on, end)
        if any(day not in came for day in days):
            continue
        values = [came[day] for day in days]
        row.actual = fmean(values) if measure in _LEVELS else sum(values)
        row.within = row.low is not None and row.high is not None and row.low <= row.actual <= row.high
        row.scored_at = now
        row.save(update_fields=["actual", "within", "scored_at"])
        scored += 1
    return scored
