"""The decision engine: gathers the facts of seven days, keeps standing recommendations, scores the risk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from django.db import connection

from intelligence.domain.decisions import Advice, EndpointFacts, Facts, advise
from intelligence.domain.risk import RiskFacts, RiskScore, risk_score
from intelligence.domain.words import RecommendationState
from intelligence.models import IntelRecommendation, RecommendationBatch
from monitoring.clients import broker
from monitoring.domain.costs import run_rate
from monitoring.domain.histogram import Histogram
from monitoring.domain.observing import Severity
from monitoring.domain.policy import GateKey
from monitoring.domain.uptime import measure
from monitoring.domain.verdicts import Standing, Verdict
from monitoring.domain.windows import Window
from monitoring.models import Endpoint, Incident, Outage
from monitoring.services.board import job_lines
from monitoring.services.costs import entries_between
from monitoring.services.judging import judge
from monitoring.services.rollups import count_observations
from monitoring.services.uptime import endpoint_records
from tenancy.context import control_transaction
from tenancy.models import Tenant

SPAN = timedelta(days=7)
# A dismissed recommendation is not made again for so long.
_RESPITE = timedelta(days=7)
_LATENCIES = """
    SELECT endpoint_key, bucket, sum(n) FROM health_latencies WHERE at >= %s AND at < %s GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Gathered:
    """The facts, the risk, and whose each endpoint is."""

    facts: Facts
    risk: RiskScore
    tenants: dict[str, UUID]


def decide(*, now: datetime, tenant: Tenant) -> int:
    """This will bring the recommendations up to date and return how many stand.

    What concerns the platform belongs to `tenant`. One that stands already is updated; one whose cause is gone
    is done; one that somebody dismissed is left alone for a week.
    """
    gathered = gather(now)
    return keep(advise(gathered.facts), gathered, now=now, tenant=tenant)


def gather(now: datetime) -> Gathered:
    """Everything that is decided upon. A constant number of queries."""
    verdict = judge(now=now)
    queue = broker.standing()
    with control_transaction("decision engine"):
        endpoints = list(Endpoint.objects.filter(enabled=True).select_related("state").order_by("pk"))
        facts = Facts(
            now=now,
            endpoints=_endpoint_facts(endpoints, now),
            quotas={"the broker's memory": queue.memory_bytes / queue.memory_limit_bytes}
            if queue and queue.memory_limit_bytes
            else {},
            run_rate_usd=_run_rate(now),
            cost_limit_usd=next((one.limit for one in verdict.gates if one.key is GateKey.DAILY_COST), None),
            unproven_gates=_lacking(verdict),
        )
        risk = risk_score(_risk_facts(verdict, now))
    tenants = {f"endpoint:{one.pk}": one.tenant_id for one in endpoints}
    return Gathered(facts, risk, tenants)


def _endpoint_facts(endpoints: Sequence[Endpoint], now: datetime) -> tuple[EndpointFacts, ...]:
    window = Window.trailing(now, SPAN)
    counts = count_observations(window, endpoint_ids=[one.pk for one in endpoints]) if endpoints else {}
    latencies = _histograms(window)
    records = endpoint_records(endpoints, window)
    outages = Outage.objects.confirmed().touching(window.start, window.end)
    times = Counter(outages.values_list("endpoint_id", flat=True))
    down = set(outages.filter(first_good_at__isnull=True).values_list("endpoint_id", flat=True))
    return tuple(
        EndpointFacts(
            key=f"endpoint:{one.pk}",
            name=one.name,
            mean_latency_ms=counts[one.pk].mean_latency_ms if one.pk in counts else None,
            p95_ms=latencies[one.pk].quantile(0.95) if one.pk in latencies else None,
            p95_target_ms=one.latency_objective_ms,
            outages=times[one.pk],
            open_outage=one.pk in down,
            coverage=measure(window, [records[one.pk]], now).coverage,
            certificate_expires_at=getattr(getattr(one, "state", None), "certificate_expires_at", None),
        )
        for one in endpoints
    )


def _histograms(window: Window) -> dict[int, Histogram]:
    buckets: dict[int, dict[int, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_LATENCIES, [window.start, window.end])
        for endpoint_id, bucket, n in cursor.fetchall():
            buckets.setdefault(endpoint_id, {})[int(bucket)] = int(n)
    return {endpoint_id: Histogram.from_counts(found) for endpoint_id, found in buckets.items()}


def _run_rate(now: datetime) -> float | None:
    today = now.astimezone(UTC).date()
    rate = run_rate(entries_between(today, today), now)
    return float(rate.total) if rate else None


def _lacking(verdict: Verdict) -> tuple[str, ...]:
    """The gates that lack evidence; one that fails is no question of probing more."""
    lacking = (Standing.NO_DATA, Standing.ON_TRACK)
    return tuple(one.key.value for one in verdict.gates if one.standing in lacking)


def _risk_facts(verdict: Verdict, now: datetime) -> RiskFacts:
    """What is not recorded yet (error budgets, refused accesses) is None, which costs points."""
    severities = Incident.objects.touching(now - SPAN, now).values_list("severity", flat=True)
    counted = Counter(severities)
    return RiskFacts(
        incidents={severity: counted[severity.value] for severity in Severity},
        overdue_jobs=sum(line.overdue for line in job_lines(now)),
        unproven_gates=sum(not one.proven for one in verdict.gates),
    )


def keep(found: Sequence[Advice], gathered: Gathered, *, now: datetime, tenant: Tenant) -> int:
    """This will store the recommendations as described at `decide`, and a batch when something changed."""
    with control_transaction("decision engine"):
        known = IntelRecommendation.objects.select_for_update().exclude(key="")
        standing = {row.key: row for row in known.filter(state=RecommendationState.OPEN.value)}
        dismissed = set(
            known.filter(state=RecommendationState.DISMISSED.value, ts__gt=now - _RESPITE).values_list(
                "key", flat=True
            )
        )
        wanted = [one for one in found if one.key not in dismissed]
        batch = uuid4()
        fresh = []
        for advice in wanted:
            row = standing.pop(advice.key, None)
            if row is None:
                owner = gathered.tenants.get(advice.key.partition(":")[2], tenant.pk)
                fresh.append(_row(advice, owner, batch, now))
            else:
                row.priority, row.message = advice.priority.value, advice.message
                row.evidence, row.ts = advice.evidence, now
                row.save(update_fields=["priority", "message", "evidence", "ts"])
        IntelRecommendation.objects.bulk_create(fresh, ignore_conflicts=True)
        # What is left stands no longer.
        gone = [row.pk for row in standing.values()]
        IntelRecommendation.objects.filter(pk__in=gone).update(state=RecommendationState.DONE.value, ts=now)
        _keep_batch(wanted, gathered.risk, changed=bool(fresh or gone), now=now, tenant=tenant, batch=batch)
    return len(wanted)


def _row(advice: Advice, owner: UUID, batch: UUID, now: datetime) -> IntelRecommendation:
    return IntelRecommendation(
        tenant_id=owner,
        type=advice.type,
        priority=advice.priority.value,
        message=advice.message,
        metric=advice.metric,
        evidence=advice.evidence,
        key=advice.key,
        batch=batch,
        ts=now,
        first_at=now,
    )


def _keep_batch(
    found: Sequence[Advice], risk: RiskScore, *, changed: bool, now: datetime, tenant: Tenant, batch: UUID
) -> None:
    newest = RecommendationBatch.objects.filter(tenant=tenant).order_by("-ts").first()
    if newest is not None and not changed and newest.risk_score == risk.score:
        return
    RecommendationBatch.objects.create(
        id=batch,
        tenant=tenant,
        ts=now,
        recommendations=[advice.to_dict() for advice in found],
        risk_score=risk.score,
        risk_level=risk.level.value,
        deductions=[
            {"factor": one.factor.value, "points": one.points, "explanation": one.explanation}
            for one in risk.deductions
        ],
    )
