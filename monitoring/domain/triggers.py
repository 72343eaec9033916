"""The NO-GO triggers: each makes a NO-GO by itself, whatever the gates say.

A trigger whose facts are not there has not fired, but its quiet means nothing; `observed` says so.
"""

from __future__ import annotations

from datetime import UTC, timedelta

from monitoring.domain.evidence import Evidence, usable_amount
from monitoring.domain.figures import counted, dollars
from monitoring.domain.gate_readings import incidents_sentence
from monitoring.domain.policy import Policy, TriggerKey, TriggerRule
from monitoring.domain.verdicts import Trigger


def evaluate_triggers(evidence: Evidence, policy: Policy) -> tuple[Trigger, ...]:
    """All triggers, always in the same order; without a rule in the policy none of them can be told."""
    rule = policy.triggers
    if rule is None:
        return tuple(_untold(key, "The policy has no rule for this trigger.") for key in TriggerKey)
    return (
        _p1_incident(evidence, rule),
        _repeated_heal(evidence, rule),
        _cost_spike(evidence, rule),
        _api_errors(evidence, rule),
    )


def _untold(key: TriggerKey, why: str) -> Trigger:
    return Trigger(key, fired=False, explanation=why, observed=False)


def _p1_incident(evidence: Evidence, rule: TriggerRule) -> Trigger:
    """A P1 since the start of the window, even after the end of a burn-in that is reviewed days later."""
    if evidence.incidents is None:
        return _untold(TriggerKey.P1_INCIDENT, "Incidents were not looked at.")
    end = evidence.judged_at + timedelta(microseconds=1)
    incidents = evidence.incidents.incidents
    found = [one for one in incidents if one.is_p1 and one.touches(evidence.window.start, end)]
    fired = len(found) >= rule.p1_incidents
    return Trigger(TriggerKey.P1_INCIDENT, fired, incidents_sentence(found, "since the window began"))


def _repeated_heal(evidence: Evidence, rule: TriggerRule) -> Trigger:
    heals = evidence.triggers.heals if evidence.triggers else None
    if heals is None or any(heal.actions < 0 for heal in heals):
        return _untold(TriggerKey.REPEATED_HEAL, "Self-heal actions could not be counted.")
    counts: dict[str, int] = {}
    for heal in heals:
        counts[heal.subsystem] = counts.get(heal.subsystem, 0) + heal.actions
    repeated = [name for name in sorted(counts) if counts[name] >= rule.heals_per_subsystem]
    span = f"in {counted(rule.heal_days, 'day')}"
    if repeated:
        told = ", ".join(f"{name} ({counts[name]} times)" for name in repeated)
        return Trigger(TriggerKey.REPEATED_HEAL, fired=True, explanation=f"Healed repeatedly {span}: {told}.")
    quiet = f"No subsystem was healed {rule.heals_per_subsystem} times or more {span}."
    return Trigger(TriggerKey.REPEATED_HEAL, fired=False, explanation=quiet)


def _cost_spike(evidence: Evidence, rule: TriggerRule) -> Trigger:
    """Any day's cost above the limit, from the start of the window to what today has cost so far."""
    if evidence.costs is None:
        return _untold(TriggerKey.COST_SPIKE, "No cost was recorded.")
    first = evidence.window.start.astimezone(UTC).date()
    today = evidence.judged_at.astimezone(UTC).date()
    totals = [
        (usable_amount(fact.total), fact.day) for fact in evidence.costs.days if first <= fact.day <= today
    ]
    known = [(total, day) for total, day in totals if total is not None]
    if not known:
        return _untold(TriggerKey.COST_SPIKE, "No day has a known cost.")
    dearest, day = max(known)
    fired = dearest > rule.above_usd_per_day
    unusable = any(
        fact.total is not None and usable_amount(fact.total) is None for fact in evidence.costs.days
    )
    if unusable and not fired:
        return _untold(TriggerKey.COST_SPIKE, "A recorded cost is not an amount.")
    side = "above" if fired else "not above"
    return Trigger(
        TriggerKey.COST_SPIKE,
        fired,
        f"{day.isoformat()} cost {dollars(dearest)}, {side} {dollars(rule.above_usd_per_day)}.",
    )


def _api_errors(evidence: Evidence, rule: TriggerRule) -> Trigger:
    """Intelligence API errors that reached users: one count is enough to fire, both are needed for quiet."""
    facts = evidence.triggers
    errors = facts.api_server_errors if facts else None
    failed = facts.api_failed_probes if facts else None
    fired = (errors or 0) >= rule.api_server_errors or (failed or 0) >= rule.api_failed_probes
    told = f"5xx answers to real requests: {_count(errors)}; failed probes: {_count(failed)}."
    observed = errors is not None and failed is not None and errors >= 0 and failed >= 0
    return Trigger(TriggerKey.API_ERRORS, fired, told, observed=observed or fired)


def _count(number: int | None) -> str:
    return "unknown" if number is None else f"{number:,}"
