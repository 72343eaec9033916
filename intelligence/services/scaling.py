"""The hourly scaling check: what it rests on is measured, what it decides is kept, and a hook carries it out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from django.conf import settings

from intelligence.clients.webhook import post_signed
from intelligence.domain.scaling import Load, ScalingChoice, ScalingDecision, ScalingFacts, decide_scaling
from intelligence.domain.series import SeriesKind
from intelligence.models import ScalingCheck, SeriesSample
from intelligence.services.collecting import QUEUE, daily_values
from monitoring.clients import broker
from monitoring.domain.policy import GateKey
from monitoring.models import HealthLog
from monitoring.services.costs import entries_between
from monitoring.services.judging import judge
from monitoring.services.probing import outbound_policy
from tenancy.context import control_transaction

_SPAN = timedelta(minutes=15)
_CHECK_EVERY = timedelta(hours=1)
_MARGIN_DAYS = timedelta(days=30)


def check_scaling(now: datetime) -> ScalingCheck:
    """This will decide, keep the decision once an hour, and tell the hook when there is something to do."""
    depth = broker.depth()
    limit = next((one.limit for one in judge(now=now).gates if one.key is GateKey.DAILY_COST), None)
    with control_transaction("scaling check"):
        facts = _facts(now, depth, limit)
        decision = decide_scaling(facts)
        row, is_new = ScalingCheck.objects.get_or_create(
            at=now.replace(minute=0, second=0, microsecond=0),
            defaults={
                "choice": decision.choice.value,
                "workers": decision.workers,
                "target": decision.target,
                "reasons": list(decision.reasons),
                "p95_ms": facts.now.p95_ms,
                "queue_depth": facts.now.queue_depth,
                "spend_24h": facts.spend_24h,
                "margin": facts.margin,
            },
        )
    if is_new and settings.SCALING_HOOK_URL and decision.target != decision.workers:
        told = _tell_hook(decision, now)
        with control_transaction("scaling check"):
            ScalingCheck.objects.filter(pk=row.pk).update(executed=told)
        row.executed = told
    return row


def _facts(now: datetime, depth: int | None, limit: float | None) -> ScalingFacts:
    before = ScalingCheck.objects.filter(at__gte=now - 2 * _CHECK_EVERY, at__lt=now - _CHECK_EVERY / 2)
    last = before.order_by("-at").first()
    today = now.astimezone(UTC).date()
    entries = entries_between(today - timedelta(days=1), today - timedelta(days=1))
    return ScalingFacts(
        now=Load(_p95(now), _deepest(now, depth)),
        before=Load(last.p95_ms, last.queue_depth) if last else None,
        workers=settings.WORKER_PROCESSES,
        # Costs are known by the day: the last completed one is the 24 hours that can be told.
        spend_24h=sum((entry.amount for entry in entries), Decimal(0)) if entries else None,
        spend_limit=Decimal(str(limit)) if limit is not None else None,
        margin=_margin(now),
        stabilise=settings.STABILIZE_MODE,
        enabled=settings.SCALING_ENABLED,
    )


def _p95(now: datetime) -> float | None:
    """The exact 95th percentile (nearest rank) of the answered probes of the last 15 minutes."""
    answered = (
        HealthLog.objects.filter(ts__gte=now - _SPAN, ts__lt=now, latency_ms__isnull=False)
        .exclude(status_code=0)
        .values_list("latency_ms", flat=True)
    )
    latencies = sorted(latency for latency in answered if latency is not None)
    return latencies[-(-95 * len(latencies) // 100) - 1] if latencies else None


def _deepest(now: datetime, depth: int | None) -> int | None:
    """The deepest the queue was seen in the last 15 minutes; None when it was not measured now."""
    if depth is None:
        return None
    sampled = SeriesSample.objects.filter(series=QUEUE, at__gte=now - _SPAN, at__lte=now)
    return max([depth, *(int(value) for value in sampled.values_list("value", flat=True))])


def _margin(now: datetime) -> float | None:
    """(revenue − cost) / revenue over the last 30 completed days; None without revenue or without costs."""
    last = now.astimezone(UTC).date() - timedelta(days=1)
    first = last - _MARGIN_DAYS + timedelta(days=1)
    revenue = sum(daily_values(SeriesKind.REVENUE, first, last).values())
    costs = daily_values(SeriesKind.COST, first, last)
    return (revenue - sum(costs.values())) / revenue if revenue > 0 and costs else None


def _tell_hook(decision: ScalingDecision, now: datetime) -> str:
    payload = {
        "choice": decision.choice.value,
        "workers": decision.workers,
        "target": decision.target,
        "reasons": list(decision.reasons),
    }
    answer = post_signed(
        settings.SCALING_HOOK_URL,
        payload,
        call_id=str(uuid4()),
        secret=settings.HEAL_WEBHOOK_SECRET,
        now=now,
        policy=outbound_policy(),
    )
    return answer.told


__all__ = ["ScalingChoice", "check_scaling"]
