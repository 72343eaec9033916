"""One number for how safe the platform stands, with everything that was taken off it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, isfinite
from typing import Final

from monitoring.domain.observing import Severity


class RiskLevel(StrEnum):
    """What the score means: low from 80, medium from 60, high from 40, else critical."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class RiskFactor(StrEnum):
    """What can take points off."""

    INCIDENTS = "incidents"
    ERROR_BUDGET = "error_budget"
    AUDIT_DENIES = "audit_denies"
    OVERDUE_JOBS = "overdue_jobs"
    UNPROVEN_GATES = "unproven_gates"


@dataclass(frozen=True, slots=True)
class RiskFacts:
    """The facts of the last 7 days; None is not known, which is not the same as none.

    `incidents` counts incidents by severity; `budget_spent` is the share of the error budget used by the
    worst SLO (1.0 is all of it).
    """

    incidents: Mapping[Severity, int] | None = None
    budget_spent: float | None = None
    audit_denies: int | None = None
    overdue_jobs: int | None = None
    unproven_gates: int | None = None


@dataclass(frozen=True, slots=True)
class Deduction:
    """Points taken off for one factor, and why."""

    factor: RiskFactor
    points: int
    explanation: str


@dataclass(frozen=True, slots=True)
class RiskScore:
    """0 to 100, higher is safer; always 100 less the deductions, but never below 0."""

    score: int
    level: RiskLevel
    deductions: tuple[Deduction, ...]


_PER_INCIDENT: Final = {Severity.P1: 25, Severity.P2: 10, Severity.P3: 4, Severity.P4: 1}
_MOST_FOR_INCIDENTS: Final = 50
_DENIES_PER_POINT: Final = 5
_MOST_FOR_DENIES: Final = 10
_PER_OVERDUE_JOB: Final = 5
_MOST_FOR_OVERDUE: Final = 20
_PER_UNPROVEN_GATE: Final = 4
_MOST_FOR_UNPROVEN: Final = 20
_UNKNOWN: Final = {
    RiskFactor.INCIDENTS: 10,
    RiskFactor.ERROR_BUDGET: 10,
    RiskFactor.AUDIT_DENIES: 5,
    RiskFactor.OVERDUE_JOBS: 5,
    RiskFactor.UNPROVEN_GATES: 20,
}
_LEVELS: Final = ((80, RiskLevel.LOW), (60, RiskLevel.MEDIUM), (40, RiskLevel.HIGH))


def risk_score(facts: RiskFacts) -> RiskScore:
    """Score the facts. What is not known takes points off too: it cannot be called safe.

    Raises:
        ValueError: when a count is negative or the budget not a number.
    """
    _check(facts)
    found = (_incidents(facts), _budget(facts), _denies(facts), _overdue(facts), _unproven(facts))
    deductions = tuple(one for one in found if one is not None)
    score = max(0, 100 - sum(one.points for one in deductions))
    return RiskScore(score, risk_level(score), deductions)


def risk_level(score: int) -> RiskLevel:
    """The word for a score."""
    return next((level for least, level in _LEVELS if score >= least), RiskLevel.CRITICAL)


def _check(facts: RiskFacts) -> None:
    counts = [
        ("audit_denies", facts.audit_denies),
        ("overdue_jobs", facts.overdue_jobs),
        ("unproven_gates", facts.unproven_gates),
        *((f"incidents of {severity}", count) for severity, count in (facts.incidents or {}).items()),
        ("budget_spent", facts.budget_spent),
    ]
    for name, count in counts:
        if count is not None and not (isfinite(count) and count >= 0):
            raise ValueError(f"{name} is {count}; it must be 0 or more, or None when it is not known.")


def _not_known(factor: RiskFactor, what: str) -> Deduction:
    return Deduction(factor, _UNKNOWN[factor], f"{what} not known.")


def _incidents(facts: RiskFacts) -> Deduction | None:
    if facts.incidents is None:
        return _not_known(RiskFactor.INCIDENTS, "Incidents are")
    counts = {severity: facts.incidents.get(severity, 0) for severity in Severity}
    points = min(
        _MOST_FOR_INCIDENTS, sum(_PER_INCIDENT[severity] * count for severity, count in counts.items())
    )
    told = ", ".join(f"{count} × {severity}" for severity, count in counts.items() if count)
    return Deduction(RiskFactor.INCIDENTS, points, f"Incidents: {told}.") if points else None


def _budget(facts: RiskFacts) -> Deduction | None:
    if facts.budget_spent is None:
        return _not_known(RiskFactor.ERROR_BUDGET, "The error budget is")
    points = 20 if facts.budget_spent > 1 else 10 if facts.budget_spent > 0.5 else 0
    told = f"{facts.budget_spent:.0%} of the error budget is spent."
    return Deduction(RiskFactor.ERROR_BUDGET, points, told) if points else None


def _denies(facts: RiskFacts) -> Deduction | None:
    if facts.audit_denies is None:
        return _not_known(RiskFactor.AUDIT_DENIES, "Refused accesses are")
    points = min(_MOST_FOR_DENIES, ceil(facts.audit_denies / _DENIES_PER_POINT))
    told = f"Accesses refused: {facts.audit_denies}."
    return Deduction(RiskFactor.AUDIT_DENIES, points, told) if points else None


def _overdue(facts: RiskFacts) -> Deduction | None:
    if facts.overdue_jobs is None:
        return _not_known(RiskFactor.OVERDUE_JOBS, "Overdue jobs are")
    points = min(_MOST_FOR_OVERDUE, _PER_OVERDUE_JOB * facts.overdue_jobs)
    return (
        Deduction(RiskFactor.OVERDUE_JOBS, points, f"Jobs overdue: {facts.overdue_jobs}.") if points else None
    )


def _unproven(facts: RiskFacts) -> Deduction | None:
    if facts.unproven_gates is None:
        return _not_known(RiskFactor.UNPROVEN_GATES, "The gates are")
    points = min(_MOST_FOR_UNPROVEN, _PER_UNPROVEN_GATE * facts.unproven_gates)
    told = f"Gates not proven: {facts.unproven_gates}."
    return Deduction(RiskFactor.UNPROVEN_GATES, points, told) if points else None
