"""What to recommend, from the facts of the last seven days. A fact that is None is not known and says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from intelligence.domain.words import Priority

HIGH_LATENCY_MS: Final = 500.0
MEDIUM_LATENCY_MS: Final = 200.0
RECURRING_OUTAGES: Final = 2
CERTIFICATE_HIGH: Final = timedelta(days=7)
CERTIFICATE_MEDIUM: Final = timedelta(days=21)
HIGH_QUOTA_SHARE: Final = 0.8
# A P95 below this share of its target leaves room to tighten it.
_ROOMY: Final = 0.5


@dataclass(frozen=True, slots=True)
class EndpointFacts:
    """One endpoint over the span. `p95_target_ms` is its latency objective."""

    key: str
    name: str
    mean_latency_ms: float | None
    p95_ms: float | None
    p95_target_ms: float | None
    outages: int
    open_outage: bool
    coverage: float | None
    certificate_expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the rules look at. `quotas` and `budgets_spent` are shares by name (1.0 is all)."""

    now: datetime
    endpoints: tuple[EndpointFacts, ...] = ()
    quotas: dict[str, float] = field(default_factory=dict)
    budgets_spent: dict[str, float] = field(default_factory=dict)
    run_rate_usd: float | None = None
    cost_limit_usd: float | None = None
    unproven_gates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Advice:
    """One recommendation: `key` says what it is about, so that it stands once."""

    key: str
    type: str
    priority: Priority
    message: str
    metric: str
    evidence: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """In the form programs write and read recommendations."""
        return {
            "type": self.type,
            "priority": self.priority.value,
            "message": self.message,
            "metric": self.metric,
            "evidence": self.evidence,
        }


def advise(facts: Facts) -> tuple[Advice, ...]:
    """All that the rules recommend, the most pressing first."""
    found = [advice for one in facts.endpoints for advice in _of_endpoint(one, facts.now)]
    found += _quotas(facts) + _budgets(facts) + _cost(facts) + _gates(facts)
    order = list(Priority)
    return tuple(sorted(found, key=lambda one: (order.index(one.priority), one.key)))


def _of_endpoint(one: EndpointFacts, now: datetime) -> list[Advice]:
    return [*_latency(one), *_target(one), *_outages(one), *_certificate(one, now)]


def _latency(one: EndpointFacts) -> Sequence[Advice]:
    mean = one.mean_latency_ms
    if mean is None or mean <= MEDIUM_LATENCY_MS:
        return ()
    high = mean > HIGH_LATENCY_MS
    limit = HIGH_LATENCY_MS if high else MEDIUM_LATENCY_MS
    message = f"{one.name} took {mean:.0f} ms on average, more than {limit:.0f} ms. Find what slows it."
    priority = Priority.HIGH if high else Priority.MEDIUM
    evidence = {"mean_latency_ms": round(mean, 1), "limit_ms": limit, "days": 7}
    return (Advice(f"latency:{one.key}", "performance", priority, message, "avg_latency_ms", evidence),)


def _target(one: EndpointFacts) -> Sequence[Advice]:
    if one.p95_ms is None or not one.p95_target_ms:
        return ()
    proposed = max(10, round(one.p95_ms * 1.2 / 10) * 10)
    if one.p95_ms > one.p95_target_ms:
        why = f"P95 of {one.name} is {one.p95_ms:.0f} ms and misses its target of {one.p95_target_ms:.0f} ms."
    elif one.p95_ms < _ROOMY * one.p95_target_ms and proposed < one.p95_target_ms:
        why = f"P95 of {one.name} is {one.p95_ms:.0f} ms, less than half of its target of {one.p95_target_ms:.0f} ms."
    else:
        return ()
    change = f"latency_objective_ms: {one.p95_target_ms:.0f} -> {proposed}"
    evidence = {"p95_ms": round(one.p95_ms, 1), "target_ms": one.p95_target_ms, "dry_run": change}
    message = f"{why} If the target is to follow the measurement: {change}."
    return (Advice(f"target:{one.key}", "tuning", Priority.LOW, message, "p95_ms", evidence),)


def _outages(one: EndpointFacts) -> Sequence[Advice]:
    found: list[Advice] = []
    evidence: dict[str, Any] = {"outages": one.outages, "days": 7}
    if one.open_outage:
        message = f"{one.name} is down. Restore it; its healing actions and alerts say what was tried."
        found.append(Advice(f"down:{one.key}", "reliability", Priority.HIGH, message, "outages", evidence))
    if one.outages >= RECURRING_OUTAGES:
        message = f"{one.name} had {one.outages} outages in 7 days. Look for the common cause."
        found.append(
            Advice(f"recurring:{one.key}", "reliability", Priority.HIGH, message, "outages", evidence)
        )
    return found


def _certificate(one: EndpointFacts, now: datetime) -> Sequence[Advice]:
    expires = one.certificate_expires_at
    if expires is None or expires - now > CERTIFICATE_MEDIUM:
        return ()
    priority = Priority.HIGH if expires - now <= CERTIFICATE_HIGH else Priority.MEDIUM
    verb = "expired" if expires <= now else "expires"
    message = f"The certificate of {one.name} {verb} on {expires:%Y-%m-%d}. Renew it."
    evidence = {"expires_at": expires.isoformat(), "days_left": (expires - now).days}
    return (Advice(f"certificate:{one.key}", "certificate", priority, message, "certificate_days", evidence),)


def _quotas(facts: Facts) -> list[Advice]:
    return [
        Advice(
            f"quota:{name}",
            "capacity",
            Priority.HIGH,
            f"{share:.0%} of {name} is used. Raise the limit or use less before it is full.",
            "quota_share",
            {"share": round(share, 4), "limit": HIGH_QUOTA_SHARE},
        )
        for name, share in sorted(facts.quotas.items())
        if share > HIGH_QUOTA_SHARE
    ]


def _budgets(facts: Facts) -> list[Advice]:
    return [
        Advice(
            f"budget:{name}",
            "error_budget",
            Priority.HIGH if spent > 1 else Priority.MEDIUM,
            f"{spent:.0%} of the error budget of {name} is spent. "
            + ("Stop risky changes until it recovers." if spent > 1 else "Slow down risky changes."),
            "error_budget_spent",
            {"spent": round(spent, 4)},
        )
        for name, spent in sorted(facts.budgets_spent.items())
        if spent > 0.5
    ]


def _cost(facts: Facts) -> list[Advice]:
    rate, limit = facts.run_rate_usd, facts.cost_limit_usd
    if rate is None or limit is None or rate <= limit:
        return []
    message = (
        f"At this rate today will cost ${rate:,.2f}, above the limit of ${limit:,.2f}. Find what drives it."
    )
    evidence = {"run_rate_usd": round(rate, 2), "limit_usd": limit}
    return [Advice("cost:run_rate", "cost", Priority.HIGH, message, "cost_run_rate_usd", evidence)]


def _gates(facts: Facts) -> list[Advice]:
    if not facts.unproven_gates:
        return []
    named = ", ".join(facts.unproven_gates)
    message = f"Probe more often or longer: these gates cannot be proven with what was observed: {named}."
    evidence = {"gates": list(facts.unproven_gates)}
    return [Advice("coverage:gates", "coverage", Priority.MEDIUM, message, "unproven_gates", evidence)]
