"""What holds for any evidence: order does not matter, losing evidence or adding trouble never helps."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.costs import CostDay
from monitoring.domain.evidence import (
    ApiDay,
    CostFacts,
    EndpointDay,
    Evidence,
    HealCount,
    Incident,
    IncidentFacts,
    OutageSummary,
    TriggerFacts,
    UptimeFacts,
)
from monitoring.domain.gates import evaluate
from monitoring.domain.policy import ErrorRateCriterion, GateKey, Policy
from monitoring.domain.verdicts import Decision, Standing, Verdict, exit_code
from tests.monitoring.domain.clean_evidence import (
    ENDPOINTS,
    JUDGED_AT,
    LAST_DAY,
    WEEK,
    api_day,
    api_days,
    clean,
    cost_days,
    costs,
    error_rate,
    incident,
    incidents,
    lacking,
    quiet,
    shares,
    uptime,
)

POLICY = Policy()

# Near the limits on both sides, and everything that is not a share.
near = st.sampled_from([0.0, 0.5, 0.94, 0.95, 0.989, 0.99, 0.995, 0.9989, 0.999, 0.9997, 0.9998, 0.9999, 1.0])
share = st.one_of(near, near, st.none(), st.sampled_from([float("nan"), float("inf"), -0.1, 1.1]))
amount = st.sampled_from(
    [None, *map(Decimal, ("0", "7", "10.00", "10.01", "NaN", "Infinity", "-1", "1E+400"))]
)
moment = st.integers(-9 * 24, 24).map(lambda hours: JUDGED_AT + timedelta(hours=hours))
small = st.sampled_from([-1, 0, 0, 1, 597, 598, 60_480])
day = st.integers(0, 9).map(lambda back: LAST_DAY + timedelta(days=1 - back))
word = st.sampled_from(["api", "db", "web"])


def some_uptime() -> st.SearchStrategy[UptimeFacts | None]:
    outage = st.builds(OutageSummary, endpoint=word, likely_s=st.floats(0, 900), first_bad_at=moment)
    facts = st.builds(
        UptimeFacts,
        critical_endpoints=st.sampled_from([0, 1, 3]),
        samples=small,
        failed_probes=st.just(0),
        low=share,
        likely=share,
        high=share,
        coverage=share,
        outages=st.lists(outage, max_size=3).map(tuple),
    )
    return st.one_of(st.just(uptime()), facts, st.none())


def some_incidents() -> st.SearchStrategy[IncidentFacts | None]:
    one = st.builds(
        Incident,
        id=st.integers(1, 5).map(str),
        severity=st.sampled_from(["P1", "P2", "P4"]),
        opened_at=moment,
        resolved_at=st.one_of(st.none(), moment),
        title=word,
    )
    found = st.lists(one, max_size=2).map(tuple)
    facts = st.builds(IncidentFacts, incidents=found, coverage=share, samples=small)
    return st.one_of(st.just(incidents()), facts, st.none())


def some_api_days() -> st.SearchStrategy[tuple[ApiDay, ...] | None]:
    endpoint = st.builds(EndpointDay, endpoint=st.sampled_from(ENDPOINTS), share_ok=share)
    odd = st.builds(
        ApiDay,
        day=day,
        completed=st.booleans(),
        endpoints=st.one_of(st.just(shares(*[1.0] * 5)), st.lists(endpoint, max_size=6).map(tuple)),
        coverage=share,
        alert_firing=st.booleans(),
    )
    odds = st.lists(odd, max_size=2).map(tuple)
    return st.one_of(st.just(api_days()), odds.map(lambda extra: (*api_days(9), *extra)), odds, st.none())


def some_costs() -> st.SearchStrategy[CostFacts | None]:
    odd = st.builds(CostDay, day=day, completed=st.booleans(), total=amount, all_estimated=st.booleans())
    odds = st.lists(odd, max_size=2).map(tuple)
    days = st.one_of(odds.map(lambda extra: (*costs().days, *extra)), odds)
    return st.one_of(st.just(costs()), st.builds(CostFacts, days=days, run_rate=amount), st.none())


def some_triggers() -> st.SearchStrategy[TriggerFacts | None]:
    heals = st.lists(st.builds(HealCount, subsystem=word, actions=st.integers(-1, 3)), max_size=3).map(tuple)
    count = st.sampled_from([None, -1, 0, 0, 1])
    facts = st.builds(
        TriggerFacts,
        heals=st.one_of(st.none(), heals),
        api_server_errors=count,
        api_failed_probes=count,
    )
    return st.one_of(st.just(quiet()), facts, st.none())


rates = st.builds(error_rate, bad=st.sampled_from([0, 1, 3, 43, 44]), total=small, coverage=share)
evidences = st.builds(
    clean,
    uptime=some_uptime(),
    error_rate=st.one_of(st.just(error_rate()), rates, st.none()),
    incidents=some_incidents(),
    api_days=some_api_days(),
    costs=some_costs(),
    triggers=some_triggers(),
)

# Everything that can be lost, each as a change to the evidence. What was bad is lost as readily as what was
# good: an incident and a bad observation are left alone, since they are what the evidence says, not whether
# there is any.
Loss = Callable[[Evidence], Evidence]


def without(name: str) -> Loss:
    return lambda evidence: replace(evidence, **lacking(name))


def lessened(name: str, **changes: Any) -> Loss:
    def lose(evidence: Evidence) -> Evidence:
        facts = getattr(evidence, name)
        return evidence if facts is None else replace(evidence, **{name: replace(facts, **changes)})

    return lose


def fewer_observations(evidence: Evidence) -> Evidence:
    facts = evidence.error_rate
    if facts is None:
        return evidence
    return replace(evidence, error_rate=replace(facts, total=max(facts.bad, facts.total // 2)))


def api_day_lost(back: int) -> Loss:
    gone = LAST_DAY - timedelta(days=back)
    return lambda evidence: replace(
        evidence, api_days=tuple(one for one in evidence.api_days or () if one.day != gone)
    )


def endpoint_lost(index: int) -> Loss:
    def lose(evidence: Evidence) -> Evidence:
        kept = tuple(
            replace(one, endpoints=tuple(e for e in one.endpoints if e.endpoint != ENDPOINTS[index]))
            for one in evidence.api_days or ()
        )
        return replace(evidence, api_days=kept)

    return lose


def cost_day_lost(back: int) -> Loss:
    gone = LAST_DAY - timedelta(days=back)

    def lose(evidence: Evidence) -> Evidence:
        facts = evidence.costs
        if facts is None:
            return evidence
        kept = tuple(one for one in facts.days if one.day != gone)
        return replace(evidence, costs=replace(facts, days=kept))

    return lose


def window_cut(evidence: Evidence) -> Evidence:
    return replace(evidence, window=replace(evidence.window, start=evidence.window.start + timedelta(days=1)))


losses = st.one_of(
    st.sampled_from(["uptime", "error_rate", "incidents", "api_days", "costs", "triggers"]).map(without),
    st.sampled_from(["low", "likely", "high", "coverage"]).map(
        lambda name: lessened("uptime", **{name: None})
    ),
    st.just(lessened("uptime", critical_endpoints=0)),
    st.just(lessened("uptime", samples=0)),
    st.just(lessened("error_rate", coverage=None)),
    st.just(lessened("incidents", coverage=None)),
    st.just(lessened("incidents", samples=0)),
    st.just(lessened("costs", run_rate=None)),
    st.sampled_from(["heals", "api_server_errors", "api_failed_probes"]).map(
        lambda name: lessened("triggers", **{name: None})
    ),
    st.just(fewer_observations),
    st.integers(0, 6).map(api_day_lost),
    st.integers(0, 4).map(endpoint_lost),
    st.integers(0, 6).map(cost_day_lost),
    st.just(window_cut),
)


def proven(verdict: Verdict) -> set[GateKey]:
    return {one.key for one in verdict.gates if one.proven}


def within(verdict: Verdict) -> set[GateKey]:
    return {one.key for one in verdict.gates if one.within}


@given(evidence=evidences, lost=st.lists(losses, min_size=1, max_size=4))
def test_losing_evidence_never_improves_the_verdict(evidence: Evidence, lost: list[Loss]) -> None:
    before = evaluate(evidence, POLICY)

    for lose in lost:
        evidence = lose(evidence)
    after = evaluate(evidence, POLICY)

    assert proven(after) <= proven(before)
    assert before.decision is Decision.GO or after.decision is Decision.NO_GO


@given(lost=losses)
def test_losing_any_evidence_of_a_clean_week_takes_its_go_away(lost: Loss) -> None:
    bare = clean(error_rate=error_rate(total=ErrorRateCriterion().min_observations))
    spoilt = lost(bare)

    verdict = evaluate(spoilt, POLICY)

    # Only today's run-rate is beside the point once every day is known.
    assert (verdict.decision is Decision.GO) is (spoilt == lessened("costs", run_rate=None)(bare))
    assert exit_code(verdict) in (0, 2)


@given(evidence=evidences, seed=st.randoms())
def test_order_of_the_facts_does_not_matter(evidence: Evidence, seed) -> None:
    def shuffled(facts: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(seed.sample(facts, len(facts)))

    other = evidence
    if evidence.uptime:
        other = replace(other, uptime=replace(evidence.uptime, outages=shuffled(evidence.uptime.outages)))
    if evidence.incidents:
        found = shuffled(evidence.incidents.incidents)
        other = replace(other, incidents=replace(evidence.incidents, incidents=found))
    if evidence.api_days:
        turned = tuple(replace(one, endpoints=shuffled(one.endpoints)) for one in evidence.api_days)
        other = replace(other, api_days=shuffled(turned))
    if evidence.costs:
        other = replace(other, costs=replace(evidence.costs, days=shuffled(evidence.costs.days)))
    if evidence.triggers and evidence.triggers.heals:
        heals = shuffled(evidence.triggers.heals)
        other = replace(other, triggers=replace(evidence.triggers, heals=heals))

    assert evaluate(other, POLICY) == evaluate(evidence, POLICY)


@given(evidence=evidences)
def test_verdict_is_the_same_every_time_and_keeps_its_own_rules(evidence: Evidence) -> None:
    verdict = evaluate(evidence, POLICY)

    assert evaluate(evidence, POLICY) == verdict
    assert [one.key for one in verdict.gates] == list(GateKey)
    assert verdict.within == len(within(verdict))
    assert verdict.proven == len(proven(verdict))
    blocked = any(one.fired or not one.observed for one in verdict.triggers)
    assert (verdict.decision is Decision.GO) is (verdict.proven == 5 and not blocked)
    assert bool(verdict.reasons) is (verdict.decision is Decision.NO_GO)
    against = any(one.standing is Standing.FAIL for one in verdict.gates) or any(
        one.fired for one in verdict.triggers
    )
    assert verdict.conclusive is (against or verdict.decision is Decision.GO)
    assert all(one.proven or one.missing or one.standing is Standing.FAIL for one in verdict.gates)


def p1_added(evidence: Evidence) -> Evidence:
    facts = evidence.incidents or IncidentFacts(incidents=(), coverage=None, samples=0)
    return replace(evidence, incidents=replace(facts, incidents=(*facts.incidents, incident(id="99"))))


def outage_added(evidence: Evidence) -> Evidence:
    facts = evidence.uptime
    if facts is None:
        return evidence
    down = 300 / WEEK.length.total_seconds()
    changes: dict[str, Any] = {
        name: None if value is None else value - down
        for name, value in (("low", facts.low), ("likely", facts.likely), ("high", facts.high))
        if value is None or 0 <= value - down <= 1
    }
    return replace(evidence, uptime=replace(facts, **changes))


def cost_added(evidence: Evidence) -> Evidence:
    facts = evidence.costs
    if facts is None:
        return evidence
    dearer = tuple(
        replace(one, total=one.total + 5) if one.total is not None and one.total.is_finite() else one
        for one in facts.days
        if one.total is None or not one.total.is_finite() or one.total >= 0
    )
    return replace(evidence, costs=replace(facts, days=dearer))


def alert_added(evidence: Evidence) -> Evidence:
    firing = tuple(replace(one, alert_firing=True) for one in evidence.api_days or ())
    return replace(evidence, api_days=firing)


def bad_day_added(evidence: Evidence) -> Evidence:
    bad = api_day(LAST_DAY, endpoints=shares(0.0), coverage=1.0)
    return replace(evidence, api_days=(*(evidence.api_days or ()), bad))


def bad_observations_added(evidence: Evidence) -> Evidence:
    facts = evidence.error_rate
    if facts is None or facts.total <= 0 or facts.bad >= facts.total:
        return evidence
    return replace(evidence, error_rate=replace(facts, bad=facts.bad + 1))


def heal_added(evidence: Evidence) -> Evidence:
    facts = evidence.triggers
    if facts is None or facts.heals is None:
        return evidence
    return replace(evidence, triggers=replace(facts, heals=(*facts.heals, HealCount("api", 1))))


troubles = st.sampled_from(
    [
        p1_added,
        outage_added,
        cost_added,
        alert_added,
        bad_day_added,
        bad_observations_added,
        heal_added,
    ]
)


@given(evidence=evidences, added=st.lists(troubles, min_size=1, max_size=3))
def test_adding_trouble_never_improves_the_verdict(evidence: Evidence, added: list[Loss]) -> None:
    # A negative total is not an amount; what it would be with more added to it is not the question here.
    if evidence.costs:
        usable = tuple(one for one in evidence.costs.days if one.total is None or not one.total.is_signed())
        evidence = replace(evidence, costs=replace(evidence.costs, days=usable))
    before = evaluate(evidence, POLICY)

    for trouble in added:
        evidence = trouble(evidence)
    after = evaluate(evidence, POLICY)

    assert proven(after) <= proven(before)
    assert within(after) <= within(before)
    assert before.decision is Decision.GO or after.decision is Decision.NO_GO
    fired = {one.key for one in before.triggers if one.fired}
    assert fired <= {one.key for one in after.triggers if one.fired}


def test_p1_outage_or_dear_day_takes_the_go_of_a_clean_week_away() -> None:
    dear = clean(costs=costs(days=cost_days(d12="10.01")))

    verdicts = [evaluate(spoilt, POLICY) for spoilt in (p1_added(clean()), outage_added(clean()), dear)]

    assert [one.decision for one in verdicts] == [Decision.NO_GO] * 3
    assert all(one.conclusive for one in verdicts)
