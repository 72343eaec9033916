"""One real row of every kind that the admin shows."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.contrib.auth.models import User

from intelligence.models import (
    AiForecast,
    AnalyticsAggregate,
    GrowthEvent,
    HealRule,
    IntelAction,
    IntelEvent,
    IntelRecommendation,
    RecommendationBatch,
    ReferralRetention,
    ScalingCheck,
    SeriesForecast,
)
from monitoring.domain.costs import CostKind
from monitoring.domain.observing import Severity, Source
from monitoring.domain.occasions import Occasion
from monitoring.domain.reviews import BlockerTerms, ReviewDraft
from monitoring.domain.verdicts import Decision
from monitoring.models import Endpoint, FixedCost, JobRun, RecoveryProposal, Slo
from monitoring.services.checkpoints import take_checkpoint
from monitoring.services.cost_entries import record_cost_entry
from monitoring.services.incidents import open_incident
from monitoring.services.judging import open_burn_in
from monitoring.services.maintenance import WindowTerms, mark_maintenance, silence_alerts
from monitoring.services.recording import record_probes
from monitoring.services.reviews import sign_review
from monitoring.services.schedules import sync_schedule_rows
from monitoring.services.verdicts import store_verdict
from tenancy.context import tenant_transaction
from tenancy.domain.modes import MemberRole
from tenancy.domain.tokens import TokenScope
from tenancy.models import Tenant
from tenancy.services.members import add_member, create_token
from tests.factories import core, make_endpoint, make_result
from tests.monitoring.alerts import make_episode


def furnish(user: User, *, now: datetime) -> None:
    """This will make an endpoint with an outage, and a row of each other kind."""
    observe(make_endpoint("furnished", now=now, critical=True), now=now)
    open_burn_in(name="furnished", starts_at=now, days=7, review_after=timedelta(days=6), actor="test")
    open_incident(
        title="It broke", severity=Severity.P2, summary="", opened_at=now, actor=user.username, now=now
    )
    record_cost_entry(
        day=now.date(), service="kv", amount=Decimal("1.5"), kind=CostKind.METERED, source=user.username
    )
    FixedCost.objects.create(service="postgres", daily_amount=Decimal("2.10"))
    add_member(tenant=core(), user=user, role=MemberRole.OWNER, actor="test")
    create_token(user=user, name="furnished", scope=TokenScope.READ, now=now, lifetime=None)
    add_findings(core(), now=now)
    HealRule.objects.create(name="furnished", trigger="anomaly", kind="notify")
    ScalingCheck.objects.create(
        at=now, choice="hold", workers=2, target=2, reasons=["Scaling is switched off."]
    )
    make_episode(channels=["console"], fired_at=now, breached_since=now)
    until = now + timedelta(hours=1)
    silence_alerts(
        rule=None, subjects="nobody", starts_at=now, ends_at=until, reason="test", actor="test", now=now
    )
    mark_maintenance(
        WindowTerms(title="furnished", reason="test", starts_at=now, ends_at=until, component="none"),
        actor="test",
        now=now,
    )
    sync_schedule_rows()
    store_verdict(now=now, occasion=Occasion.COMMAND, actor=user.username)
    done = {"state": "done", "outcome": "ok", "created_at": now}
    JobRun.objects.create(job="slo_monitoring", scheduled_for=now, **done)
    take_checkpoint(now=now, actor="test")
    RecoveryProposal.objects.create(
        slo=Slo.objects.order_by("pk")[0], subsystem="furnished", reason="furnished", proposed_at=now
    )
    sign_review(
        ReviewDraft(
            Decision.NO_GO,
            blockers=(BlockerTerms("uptime", "furnished"),),
            plan="test",
            plan_owner="test",
            plan_due=now.date(),
        ),
        signer=user,
        second=None,
        now=now,
        through="test",
    )


def observe(endpoint: Endpoint, *, now: datetime, probes: int = 6) -> None:
    """Probes every ten seconds up to `now`, of which the second and third failed."""
    times = [now - timedelta(seconds=10 * (probes - number)) for number in range(probes)]
    results = [make_result(endpoint, at, ok=number not in (1, 2)) for number, at in enumerate(times)]
    record_probes([(endpoint, result) for result in results], source=Source.MONITOR)


def add_findings(tenant: Tenant, *, now: datetime, word: str = "latency") -> None:
    """One anomaly, action, recommendation and forecast of the tenant, named with `word`."""
    with tenant_transaction(tenant):
        IntelEvent.objects.create(event=word, value=412.0, mean=61.0, ts=now, component="billing")
        IntelAction.objects.create(action=f"heal {word}", subsystem="billing", ts=now)
        IntelRecommendation.objects.create(type="capacity", priority="high", message=f"Mind {word}.", ts=now)
        AiForecast.objects.create(predicted_revenue=100.0, churn_rate=2.0, horizon_days=30, ts=now)
        add_growth(now=now)


def add_growth(*, now: datetime) -> None:
    """One row of each kind on growth and what is expected of it, in the tenant's scope."""
    day = now.date()
    GrowthEvent.objects.create(kind="active", user="u1", at=now)
    AnalyticsAggregate.objects.create(day=day, dau=1, wau=1, mau=1, recorded_days=1, computed_at=now)
    counts = dict.fromkeys(("dau", "wau", "mau", "paid", "visits", "signups", "revenue_cents"), 1)
    ReferralRetention.objects.create(day=day, source="direct", computed_at=now, **counts)
    SeriesForecast.objects.create(
        measure="revenue",
        ts=now,
        starts_on=day,
        horizon_days=2,
        predicted=20.0,
        low=10.0,
        high=30.0,
        path=[[10.0, 5.0, 15.0], [10.0, 4.0, 16.0]],
        method="combined",
        data_points=30,
        confidence=0.95,
        explanation="From 30 points.",
    )
    RecommendationBatch.objects.create(ts=now, risk_score=90, risk_level="low")
