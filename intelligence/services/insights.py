"""The work of the daily and weekly jobs on growth, money and what to expect of them."""

from __future__ import annotations

from datetime import datetime

from intelligence.domain.words import Measure
from intelligence.models import RecommendationBatch, SeriesForecast
from intelligence.services.deciding import decide
from intelligence.services.forecasting import forecast_measure, keep_ai_forecast, score_past
from intelligence.services.retention import aggregate_day, aggregate_sources, completed_day
from tenancy.context import control_transaction, tenant_transaction
from tenancy.models import Tenant
from tenancy.services.members import default_tenant

_GROWTH = dict.fromkeys((Measure.REVENUE, Measure.SIGN_UPS, Measure.ACTIVE_USERS, Measure.CHURN))


def write_retention(now: datetime) -> str:
    """This will write yesterday's active users of every tenant."""
    told = []
    for tenant in Tenant.objects.active().order_by("pk"):
        with tenant_transaction(tenant):
            row = aggregate_day(completed_day(now), now=now)
        if row.dau is not None:
            told.append(f"{tenant.ext_id}: {row.dau} today, {row.wau} in 7 days, {row.mau} in 30 days")
    return f"Active users of {completed_day(now)}: " + ("; ".join(told) or "nothing is recorded") + "."


def write_sources(now: datetime) -> str:
    """This will write 30 days by source of every tenant."""
    rows = 0
    for tenant in Tenant.objects.active().order_by("pk"):
        with tenant_transaction(tenant):
            rows += aggregate_sources(completed_day(now), now=now)
    return f"{rows} rows of days and sources."


def forecast_costs(now: datetime) -> str:
    """This will forecast the platform's cost, and score what was forecast before."""
    with control_transaction("cost forecast"):
        owner = default_tenant()
        scored = score_past({Measure.COST: None}, tenant=owner, now=now)
        row = forecast_measure(Measure.COST, tenant=owner, now=now)
    return f"{_told(row)} {scored} earlier forecasts scored."


def write_insights(now: datetime) -> str:
    """This will forecast every tenant's growth, score what was forecast before, and bring advice up to date."""
    told = []
    for tenant in Tenant.objects.active().order_by("pk"):
        with tenant_transaction(tenant):
            scored = score_past(_GROWTH, tenant=tenant, now=now)
            rows = {one: forecast_measure(one, tenant=tenant, now=now) for one in _GROWTH}
            keep_ai_forecast(rows[Measure.REVENUE], rows[Measure.CHURN])
        if any(row.predicted is not None for row in rows.values()):
            sentences = " ".join(_told(row) for row in rows.values())
            told.append(f"{tenant.ext_id}: {sentences} {scored} earlier forecasts scored.")
    owner = default_tenant()
    standing = decide(now=now, tenant=owner)
    with tenant_transaction(owner):
        batch = RecommendationBatch.objects.order_by("-ts").first()
    risk = f"Risk score {batch.risk_score} of 100 ({batch.risk_level} risk)." if batch else "No risk score."
    return f"{risk} {standing} recommendations stand. " + (" ".join(told) or "No history to forecast from.")


def _told(row: SeriesForecast) -> str:
    name = row.get_measure_display()
    if row.predicted is None:
        return f"{name}: {row.explanation}"
    return (
        f"{name}: {row.predicted:,.2f} ({row.low:,.2f} to {row.high:,.2f}) over {row.horizon_days} days from"
        f" {row.data_points} days, {row.method}."
    )
