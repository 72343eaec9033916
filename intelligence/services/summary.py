"""The summary of the intelligence tables, and when a cached one is out of date."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import reduce
from operator import add
from uuid import uuid4

from django.db import transaction

from intelligence.domain.rows import moment, number
from intelligence.models import AiForecast, IntelAction, IntelEvent
from intelligence.services.lists import Row, latest_forecast
from monitoring.domain.rollups import Counts
from monitoring.domain.windows import Window
from monitoring.services.rollups import count_observations
from tenancy.services import caching

_MINUTE = timedelta(minutes=1)
_VERSION_LIFETIME_S = 86_400


def summarize(now: datetime) -> Row:
    """What happened lately to the active tenant. Four queries, none on the log.

    `health` is over the last hour: the running minute and the 59 before it. `error_rate` is in percent.
    Where nothing was observed, the average and the rate are None: there is none, which is not 0.
    """
    day_ago = now - timedelta(days=1)
    return {
        "anomalies_24h": IntelEvent.objects.filter(ts__gte=day_ago, ts__lte=now).count(),
        "actions_24h": IntelAction.objects.filter(ts__gte=day_ago, ts__lte=now).count(),
        "latest_forecast": _latest(latest_forecast()),
        "health": _health(now),
    }


def _latest(forecast: AiForecast | None) -> Row | None:
    if forecast is None:
        return None
    return {
        "predicted_revenue": number(forecast.predicted_revenue),
        "churn_rate": number(forecast.churn_rate),
        "horizon_days": forecast.horizon_days,
        "ts": moment(forecast.ts),
    }


def _health(now: datetime) -> Row:
    # Whole minutes: the rollup alone answers, and the log is not read at all.
    end = now.replace(second=0, microsecond=0) + _MINUTE
    counts = reduce(add, count_observations(Window(end - 60 * _MINUTE, end)).values(), Counts())
    return {
        "avg_latency_ms": counts.latency_sum_ms / counts.latency_count if counts.latency_count else None,
        "error_rate": 100 * counts.bad / counts.total if counts.total else None,
        "total_checks": counts.total,
    }


def status_version_key() -> str:
    """The key under which the tenant's version is cached: whoever writes changes it."""
    return caching.tenant_key("intelligence:version")


def outdate_status() -> None:
    """This will make a cached status of the active tenant invalid once the transaction has committed."""
    key = status_version_key()
    transaction.on_commit(lambda: caching.write(key, uuid4().hex, lifetime_s=_VERSION_LIFETIME_S))
