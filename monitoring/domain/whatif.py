"""What if the limits were others: the smallest change of them that would make GO. Nothing here is stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from typing import Any

from monitoring.domain.evidence import Evidence, usable_amount
from monitoring.domain.figures import exact
from monitoring.domain.gates import GATE_TITLES, TRIGGER_TITLES, evaluate
from monitoring.domain.policy import GateKey, Policy, TriggerKey
from monitoring.domain.policy_fields import UnableToReadPolicy
from monitoring.domain.verdicts import Decision, Verdict

# How far a limit is rounded: the last place in which people write one.
_PERCENT_STEP = Decimal("0.001")
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class LimitChange:
    """One threshold that would have to be another: `path` as in the policy."""

    path: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.path} from {self.before} to {self.after}"


@dataclass(frozen=True, slots=True)
class SmallestChange:
    """The least that must change in the limits to make GO; `obstacles` are what no limit can mend.

    Only without obstacles do the changes make GO, and then they were tried: `makes_go`.
    """

    changes: tuple[LimitChange, ...]
    obstacles: tuple[str, ...]
    makes_go: bool


def smallest_change(evidence: Evidence, policy: Policy) -> SmallestChange:
    """Find the nearest limits under which each gate that is outside its limit would be inside.

    Missing evidence is never bought off: coverage, sample sizes and windows stay as the policy has them.
    """
    eased, changes = policy, []
    for key in GateKey:
        limit = _nearest_limit(key, evidence, policy)
        if limit is not None:
            eased = eased.with_limit(key, limit)
            before = next(one.limit for one in evaluate(evidence, policy).gates if one.key is key)
            changes.append(LimitChange(f"gates.{key}", _written(before), _written(limit)))
    eased, trigger_changes = _ease_triggers(evidence, eased)
    verdict = evaluate(evidence, eased)
    return SmallestChange(
        changes=(*changes, *trigger_changes),
        obstacles=tuple(_obstacles(verdict)),
        makes_go=verdict.decision is Decision.GO,
    )


def _written(limit: Decimal | float | None) -> str:
    return "nothing" if limit is None else f"{Decimal(exact(limit)).normalize():f}"


def _nearest_limit(key: GateKey, evidence: Evidence, policy: Policy) -> Decimal | float | None:
    """The limit that the reading, at the bad end of its band, would just keep; None when it keeps its own."""
    reading = next(one for one in evaluate(evidence, policy).gates if one.key is key)
    if reading.proven or reading.value is None or reading.limit is None:
        return None
    if key is GateKey.UPTIME:
        low = reading.low if reading.low is not None else reading.value
        worst = exact(min(low, reading.value)).quantize(_PERCENT_STEP, rounding=ROUND_FLOOR)
        return float(worst) if worst < exact(reading.limit) else None
    if key is GateKey.INTELLIGENCE_API_DAYS:
        return int(reading.value) if 1 <= reading.value < reading.limit else None
    if reading.value <= reading.limit:
        return None
    if key is GateKey.ERROR_RATE and evidence.error_rate is not None:
        rate = Fraction(100 * evidence.error_rate.bad, evidence.error_rate.total)
        shown = Decimal(rate.numerator) / Decimal(rate.denominator)
        return float(shown.quantize(_PERCENT_STEP, rounding=ROUND_CEILING))
    if key is GateKey.DAILY_COST:
        return exact(reading.value).quantize(_CENT, rounding=ROUND_CEILING)
    return int(reading.value)


def _ease_triggers(evidence: Evidence, policy: Policy) -> tuple[Policy, tuple[LimitChange, ...]]:
    """Raise each trigger's threshold to just above what was observed."""
    rule = policy.triggers
    if rule is None:
        return policy, ()
    wanted: dict[str, Any] = {}
    for trigger in evaluate(evidence, policy).triggers:
        if trigger.fired:
            wanted |= _quiet_threshold(trigger.key, evidence, policy)
    try:
        eased = replace(policy, triggers=replace(rule, **wanted))
    except UnableToReadPolicy:
        return policy, ()
    changes = (
        LimitChange(f"triggers.{name}", _written(getattr(rule, name)), _written(value))
        for name, value in wanted.items()
    )
    return eased, tuple(changes)


def _quiet_threshold(key: TriggerKey, evidence: Evidence, policy: Policy) -> dict[str, Any]:
    rule, facts = policy.triggers, evidence.triggers
    assert rule is not None  # the caller has one
    if key is TriggerKey.P1_INCIDENT and evidence.incidents is not None:
        end = evidence.judged_at + timedelta(microseconds=1)
        found = [
            one
            for one in evidence.incidents.incidents
            if one.is_p1 and one.touches(evidence.window.start, end)
        ]
        return {"p1_incidents": len(found) + 1}
    if key is TriggerKey.COST_SPIKE and evidence.costs is not None:
        known = [usable_amount(day.total) for day in evidence.costs.days]
        dearest = max(total for total in known if total is not None)
        return {"above_usd_per_day": dearest.quantize(_CENT, rounding=ROUND_CEILING)}
    if key is TriggerKey.REPEATED_HEAL and facts is not None:
        counts: dict[str, int] = {}
        for heal in facts.heals or ():
            counts[heal.subsystem] = counts.get(heal.subsystem, 0) + heal.actions
        return {"heals_per_subsystem": max(counts.values()) + 1}
    errors = (facts.api_server_errors if facts else None) or 0
    failed = (facts.api_failed_probes if facts else None) or 0
    wanted = {"api_server_errors": errors + 1} if errors >= rule.api_server_errors else {}
    return wanted | ({"api_failed_probes": failed + 1} if failed >= rule.api_failed_probes else {})


def _obstacles(verdict: Verdict) -> Iterable[str]:
    for reading in verdict.gates:
        if not reading.proven:
            why = " ".join(reading.missing) or reading.explanation
            yield f"{GATE_TITLES[reading.key]}: {why}"
    for trigger in verdict.triggers:
        if trigger.fired or not trigger.observed:
            yield f"{TRIGGER_TITLES[trigger.key]}: {trigger.explanation}"
