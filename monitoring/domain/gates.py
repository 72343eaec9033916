"""The judge: `evaluate(evidence, policy)`, a pure function from what was measured to GO or NO-GO.

Absence can never pass. Every way of missing evidence ends in the `missing` list of a reading or in a trigger
that was not observed, and GO needs all five gates with empty lists and all four triggers observed and quiet.
There are no weights and no scores: one gate that is not proven is a NO-GO, whatever the others say.

On the first day a portal with some clean probes reads ON TRACK for uptime, error rate and P1 incidents, since
the value so far is inside the limit, and for cost if today's run-rate is; the API days are NO DATA until the
first day is completed. That is 4 of 5 within and none proven. The seed's first day, with no uptime measured,
is 3 of 5.
"""

from __future__ import annotations

from collections.abc import Iterable

from monitoring.domain.day_readings import read_api_days, read_daily_cost
from monitoring.domain.evidence import Evidence
from monitoring.domain.gate_readings import read_error_rate, read_p1_incidents, read_uptime
from monitoring.domain.policy import GateKey, Policy, TriggerKey
from monitoring.domain.readings import unread
from monitoring.domain.triggers import evaluate_triggers
from monitoring.domain.verdicts import Decision, Reading, Standing, Trigger, Verdict, may_go

GATE_TITLES = {
    GateKey.UPTIME: "Uptime",
    GateKey.ERROR_RATE: "Error rate",
    GateKey.P1_INCIDENTS: "P1 incidents",
    GateKey.INTELLIGENCE_API_DAYS: "Intelligence API days",
    GateKey.DAILY_COST: "Daily cost",
}
TRIGGER_TITLES = {
    TriggerKey.P1_INCIDENT: "P1 incident",
    TriggerKey.REPEATED_HEAL: "Repeated self-heal",
    TriggerKey.COST_SPIKE: "Cost spike",
    TriggerKey.API_ERRORS: "Intelligence API errors",
}


def evaluate(evidence: Evidence, policy: Policy) -> Verdict:
    """Judge the evidence by the policy.

    GO if all five gates are proven and all triggers were looked at and are quiet; otherwise NO-GO with the
    reasons. The same evidence in any order gives the same verdict.
    """
    gates = _read_gates(evidence, policy)
    triggers = evaluate_triggers(evidence, policy)
    go = may_go(gates, triggers)
    failed = any(reading.standing is Standing.FAIL for reading in gates)
    fired = any(trigger.fired for trigger in triggers)
    return Verdict(
        judged_at=evidence.judged_at,
        window=evidence.window,
        decision=Decision.GO if go else Decision.NO_GO,
        conclusive=go or failed or fired,
        within=sum(reading.within for reading in gates),
        proven=sum(reading.proven for reading in gates),
        gates=gates,
        triggers=triggers,
        reasons=tuple(_reasons(gates, triggers)),
        policy_version=policy.version,
    )


def _read_gates(evidence: Evidence, policy: Policy) -> tuple[Reading, ...]:
    rule = policy.window
    readings = {}
    if policy.uptime:
        readings[GateKey.UPTIME] = read_uptime(evidence, policy.uptime, rule)
    if policy.error_rate:
        readings[GateKey.ERROR_RATE] = read_error_rate(evidence, policy.error_rate, rule)
    if policy.p1_incidents:
        readings[GateKey.P1_INCIDENTS] = read_p1_incidents(evidence, policy.p1_incidents, rule)
    if policy.intelligence_api_days:
        readings[GateKey.INTELLIGENCE_API_DAYS] = read_api_days(evidence, policy.intelligence_api_days)
    if policy.daily_cost:
        readings[GateKey.DAILY_COST] = read_daily_cost(evidence, policy.daily_cost, rule)
    removed = "The policy has no criterion for this gate."
    return tuple(readings.get(key) or unread(key, None, removed) for key in GateKey)


def _reasons(gates: Iterable[Reading], triggers: Iterable[Trigger]) -> Iterable[str]:
    """Why it is not GO: what failed, what fired, then what is missing."""
    open_gates = [reading for reading in gates if not reading.proven]
    quiet_unknown = [trigger for trigger in triggers if not trigger.fired and not trigger.observed]
    for reading in open_gates:
        if reading.standing is Standing.FAIL:
            yield f"{GATE_TITLES[reading.key]} FAIL: {reading.explanation}"
    for trigger in triggers:
        if trigger.fired:
            yield f"{TRIGGER_TITLES[trigger.key]} FIRED: {trigger.explanation}"
    for reading in open_gates:
        if reading.standing is not Standing.FAIL:
            yield f"{GATE_TITLES[reading.key]} {reading.standing}: {' '.join(reading.missing)}"
    for trigger in quiet_unknown:
        yield f"{TRIGGER_TITLES[trigger.key]} NOT KNOWN: {trigger.explanation}"
