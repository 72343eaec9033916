"""Evidence of a burn-in that went well and was observed throughout, to be spoilt by the tests."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from monitoring.domain.costs import CostDay
from monitoring.domain.evidence import (
    ApiDay,
    CostFacts,
    EndpointDay,
    ErrorRateFacts,
    Evidence,
    Incident,
    IncidentFacts,
    TriggerFacts,
    UptimeFacts,
    Window,
)
from monitoring.domain.gates import evaluate
from monitoring.domain.policy import ApiDaysCriterion, GateKey, Policy
from monitoring.domain.verdicts import Reading

JUDGED_AT = datetime(2025, 11, 19, 9, tzinfo=UTC)
WEEK = Window(JUDGED_AT - timedelta(days=7), JUDGED_AT)
DAY = Window(JUDGED_AT - timedelta(hours=24), JUDGED_AT)
LAST_DAY = date(2025, 11, 18)
ENDPOINTS = ApiDaysCriterion().endpoints
VECTORS = Path(__file__).resolve().parents[4] / "shared" / "data" / "vectors"


def uptime(**changes: Any) -> UptimeFacts:
    facts = UptimeFacts(
        critical_endpoints=3,
        samples=60_480,
        failed_probes=0,
        low=1.0,
        likely=1.0,
        high=1.0,
        coverage=1.0,
        rows=("health:1-60480",),
    )
    return replace(facts, **changes)


def error_rate(**changes: Any) -> ErrorRateFacts:
    return replace(ErrorRateFacts(window=DAY, bad=0, total=8_640, coverage=1.0), **changes)


def incidents(*found: Incident, **changes: Any) -> IncidentFacts:
    return replace(IncidentFacts(incidents=found, coverage=1.0, samples=60_480), **changes)


def incident(
    severity: str = "P1",
    opened: datetime = datetime(2025, 11, 14, 3, 4, tzinfo=UTC),
    resolved: datetime | None = datetime(2025, 11, 14, 3, 30, tzinfo=UTC),
    id: str = "12",  # noqa: A002 (the field's own name)
) -> Incident:
    return Incident(id=id, severity=severity, opened_at=opened, resolved_at=resolved, title="API down")


def api_day(day: date, **changes: Any) -> ApiDay:
    fact = ApiDay(
        day=day,
        completed=True,
        endpoints=tuple(EndpointDay(name, 1.0) for name in ENDPOINTS),
        coverage=1.0,
        alert_firing=False,
    )
    return replace(fact, **changes)


def api_days(count: int = 7, last: date = LAST_DAY) -> tuple[ApiDay, ...]:
    """`count` served days, the newest first."""
    return tuple(api_day(last - timedelta(days=back)) for back in range(count))


def shares(*values: float | None) -> tuple[EndpointDay, ...]:
    return tuple(EndpointDay(name, value) for name, value in zip(ENDPOINTS, values, strict=False))


def costs(**changes: Any) -> CostFacts:
    days = tuple(
        CostDay(LAST_DAY - timedelta(days=back), completed=True, total=Decimal("7.00")) for back in range(7)
    )
    return replace(CostFacts(days=days, run_rate=Decimal("7.00")), **changes)


def cost_days(**totals: str | None) -> tuple[CostDay, ...]:
    """The clean week with other totals for single days: `cost_days(d14="11")`."""
    others = {int(name[1:]): None if total is None else Decimal(total) for name, total in totals.items()}
    return tuple(replace(day, total=others.get(day.day.day, day.total)) for day in costs().days)


def quiet(**changes: Any) -> TriggerFacts:
    return replace(TriggerFacts(heals=(), api_server_errors=0, api_failed_probes=0), **changes)


def lacking(*names: str) -> dict[str, Any]:
    """The changes that take these facts, or these gates of a policy, away."""
    return dict.fromkeys(names)


def clean(**changes: Any) -> Evidence:
    evidence = Evidence(
        judged_at=JUDGED_AT,
        window=WEEK,
        uptime=uptime(),
        error_rate=error_rate(),
        incidents=incidents(),
        api_days=api_days(),
        costs=costs(),
        triggers=quiet(),
    )
    return replace(evidence, **changes)


def reading(key: GateKey, evidence: Evidence, policy: Policy | None = None) -> Reading:
    """One gate of the verdict on `evidence`."""
    verdict = evaluate(evidence, policy or Policy())
    return next(one for one in verdict.gates if one.key is key)
