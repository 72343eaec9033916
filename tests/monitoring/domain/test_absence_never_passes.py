"""Each way of having no evidence, by name, ends in NO-GO with nothing proven for the gate that lacks it."""

import math
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from monitoring.domain.evidence import Evidence, HealCount, Window
from monitoring.domain.gates import evaluate
from monitoring.domain.policy import GateKey, Policy, UptimeCriterion
from monitoring.domain.policy_fields import UnableToReadPolicy
from monitoring.domain.verdicts import Decision, Standing, exit_code
from tests.monitoring.domain.clean_evidence import (
    DAY,
    JUDGED_AT,
    api_day,
    api_days,
    clean,
    cost_days,
    costs,
    error_rate,
    incidents,
    lacking,
    quiet,
    shares,
    uptime,
)

NAN, INFINITY = math.nan, math.inf
DAYS_WITHOUT_ENDPOINTS = tuple(api_day(one.day, endpoints=()) for one in api_days())

NOT_PROVEN: dict[str, tuple[GateKey, Evidence]] = {
    "no_endpoints": (GateKey.UPTIME, clean(uptime=uptime(critical_endpoints=0, samples=0))),
    "all_endpoints_non_critical": (GateKey.UPTIME, clean(uptime=uptime(critical_endpoints=0))),
    "uptime_not_read": (GateKey.UPTIME, clean(uptime=None)),
    "uptime_without_rows": (GateKey.UPTIME, clean(uptime=uptime(samples=0))),
    "uptime_negative_samples": (GateKey.UPTIME, clean(uptime=uptime(samples=-1))),
    "uptime_unknown": (GateKey.UPTIME, clean(uptime=uptime(likely=None))),
    "uptime_nan": (GateKey.UPTIME, clean(uptime=uptime(low=NAN, likely=NAN, high=NAN))),
    "uptime_infinite": (GateKey.UPTIME, clean(uptime=uptime(likely=INFINITY, high=INFINITY))),
    "uptime_above_one": (GateKey.UPTIME, clean(uptime=uptime(low=1.5, likely=1.5, high=1.5))),
    "uptime_negative": (GateKey.UPTIME, clean(uptime=uptime(low=-1.0, likely=-1.0, high=-1.0))),
    "uptime_low_unknown": (GateKey.UPTIME, clean(uptime=uptime(low=None))),
    "uptime_low_nan": (GateKey.UPTIME, clean(uptime=uptime(low=NAN))),
    "uptime_high_unknown": (GateKey.UPTIME, clean(uptime=uptime(high=None))),
    "uptime_band_out_of_order": (GateKey.UPTIME, clean(uptime=uptime(low=1.0, likely=0.9999, high=1.0))),
    "uptime_low_end_below_the_limit": (GateKey.UPTIME, clean(uptime=uptime(low=0.9997, likely=0.9999))),
    "uptime_coverage_unknown": (GateKey.UPTIME, clean(uptime=uptime(coverage=None))),
    "uptime_coverage_nan": (GateKey.UPTIME, clean(uptime=uptime(coverage=NAN))),
    "uptime_coverage_above_one": (GateKey.UPTIME, clean(uptime=uptime(coverage=1.5))),
    "paused_probes": (GateKey.UPTIME, clean(uptime=uptime(coverage=0.9989))),
    "error_rate_not_read": (GateKey.ERROR_RATE, clean(error_rate=None)),
    "error_rate_without_rows": (GateKey.ERROR_RATE, clean(error_rate=error_rate(total=0))),
    "error_rate_more_bad_than_all": (GateKey.ERROR_RATE, clean(error_rate=error_rate(bad=2, total=1))),
    "error_rate_negative": (GateKey.ERROR_RATE, clean(error_rate=error_rate(bad=-1))),
    "error_rate_negative_total": (GateKey.ERROR_RATE, clean(error_rate=error_rate(total=-600))),
    "error_rate_few_observations": (GateKey.ERROR_RATE, clean(error_rate=error_rate(total=597))),
    "error_rate_coverage_nan": (GateKey.ERROR_RATE, clean(error_rate=error_rate(coverage=NAN))),
    "error_rate_coverage_short": (GateKey.ERROR_RATE, clean(error_rate=error_rate(coverage=0.989))),
    "error_rate_of_yesterday": (
        GateKey.ERROR_RATE,
        clean(
            error_rate=error_rate(
                window=Window(DAY.start - timedelta(hours=24), DAY.end - timedelta(hours=24))
            )
        ),
    ),
    "error_rate_of_one_hour": (
        GateKey.ERROR_RATE,
        clean(error_rate=error_rate(window=Window(JUDGED_AT - timedelta(hours=1), JUDGED_AT))),
    ),
    "error_rate_of_the_future": (
        GateKey.ERROR_RATE,
        clean(error_rate=error_rate(window=Window(JUDGED_AT, JUDGED_AT + timedelta(hours=24)))),
    ),
    "incidents_not_looked_at": (GateKey.P1_INCIDENTS, clean(incidents=None)),
    "incidents_unmonitored": (GateKey.P1_INCIDENTS, clean(incidents=incidents(coverage=0.0, samples=0))),
    "incidents_without_samples": (GateKey.P1_INCIDENTS, clean(incidents=incidents(samples=0))),
    "incidents_coverage_unknown": (GateKey.P1_INCIDENTS, clean(incidents=incidents(coverage=None))),
    "incidents_coverage_nan": (GateKey.P1_INCIDENTS, clean(incidents=incidents(coverage=NAN))),
    "incidents_coverage_short": (GateKey.P1_INCIDENTS, clean(incidents=incidents(coverage=0.9989))),
    "api_days_not_read": (GateKey.INTELLIGENCE_API_DAYS, clean(api_days=None)),
    "api_days_without_rows": (GateKey.INTELLIGENCE_API_DAYS, clean(api_days=())),
    "api_days_without_endpoints": (GateKey.INTELLIGENCE_API_DAYS, clean(api_days=DAYS_WITHOUT_ENDPOINTS)),
    "api_days_nan": (
        GateKey.INTELLIGENCE_API_DAYS,
        clean(api_days=tuple(replace(one, endpoints=shares(1, 1, 1, 1, NAN)) for one in api_days())),
    ),
    "api_days_infinite": (
        GateKey.INTELLIGENCE_API_DAYS,
        clean(api_days=tuple(replace(one, endpoints=shares(1, 1, 1, 1, INFINITY)) for one in api_days())),
    ),
    "api_days_coverage_nan": (
        GateKey.INTELLIGENCE_API_DAYS,
        clean(api_days=tuple(replace(one, coverage=NAN) for one in api_days())),
    ),
    "api_days_alerts_not_looked_at": (
        GateKey.INTELLIGENCE_API_DAYS,
        clean(api_days=tuple(replace(one, alert_firing=None) for one in api_days())),
    ),
    "api_days_in_the_future": (
        GateKey.INTELLIGENCE_API_DAYS,
        clean(api_days=api_days(last=JUDGED_AT.date() + timedelta(days=8))),
    ),
    "api_days_not_completed": (
        GateKey.INTELLIGENCE_API_DAYS,
        clean(api_days=tuple(replace(one, completed=False) for one in api_days())),
    ),
    "costs_not_read": (GateKey.DAILY_COST, clean(costs=None)),
    "costs_without_rows": (GateKey.DAILY_COST, clean(costs=costs(days=(), run_rate=None))),
    "costs_of_today_only": (GateKey.DAILY_COST, clean(costs=costs(days=()))),
    "cost_day_unknown": (GateKey.DAILY_COST, clean(costs=costs(days=cost_days(d14=None)))),
    "cost_day_not_there": (GateKey.DAILY_COST, clean(costs=costs(days=costs().days[1:]))),
    "cost_nan": (GateKey.DAILY_COST, clean(costs=costs(days=cost_days(d14="NaN")))),
    "cost_signalling_nan": (GateKey.DAILY_COST, clean(costs=costs(days=cost_days(d14="sNaN")))),
    "cost_infinite": (GateKey.DAILY_COST, clean(costs=costs(days=cost_days(d14="Infinity")))),
    "cost_negative": (GateKey.DAILY_COST, clean(costs=costs(days=cost_days(d14="-1")))),
}


@pytest.mark.parametrize("name", NOT_PROVEN)
def test_absence_is_no_go(name: str) -> None:
    key, evidence = NOT_PROVEN[name]

    verdict = evaluate(evidence, Policy())

    gate = next(one for one in verdict.gates if one.key is key)
    assert verdict.decision is Decision.NO_GO
    assert not verdict.conclusive
    assert not gate.proven
    assert gate.standing in (Standing.NO_DATA, Standing.ON_TRACK)
    assert gate.missing
    assert exit_code(verdict) == 2


def test_future_window_is_no_go() -> None:
    evidence = clean(window=Window(JUDGED_AT + timedelta(days=1), JUDGED_AT + timedelta(days=8)))

    verdict = evaluate(evidence, Policy())

    assert verdict.decision is Decision.NO_GO
    assert "The window ends only on 2025-11-27T09:00:00Z, in 8 d." in verdict.reasons[0]


def test_gate_removed_is_no_go() -> None:
    for key in GateKey:
        verdict = evaluate(clean(), replace(Policy(), **lacking(key.value)))

        assert verdict.decision is Decision.NO_GO
        assert len(verdict.gates) == 5
        assert (verdict.proven, verdict.conclusive) == (4, False)
        assert "The policy has no criterion for this gate." in verdict.reasons[0]


def test_triggers_removed_is_no_go() -> None:
    verdict = evaluate(clean(), Policy(triggers=None))

    assert (verdict.decision, verdict.proven) == (Decision.NO_GO, 5)
    assert len(verdict.reasons) == 4


def test_empty_policy_is_no_go() -> None:
    empty = Policy(
        uptime=None,
        error_rate=None,
        p1_incidents=None,
        intelligence_api_days=None,
        daily_cost=None,
        triggers=None,
    )

    verdict = evaluate(clean(), empty)

    assert (verdict.decision, verdict.within, verdict.proven) == (Decision.NO_GO, 0, 0)
    with pytest.raises(UnableToReadPolicy, match=r"policy\.version is missing"):
        Policy.from_dict({})


def test_weight_zero_cannot_be_given_to_a_gate() -> None:
    written = Policy().to_dict()
    written["gates"]["uptime"]["weight"] = 0

    with pytest.raises(UnableToReadPolicy, match=r"gates\.uptime has an unknown entry 'weight'"):
        Policy.from_dict(written)


@pytest.mark.parametrize("worthless", [0, 0.0, -1.0, NAN, INFINITY, True, None, "0.999"])
def test_criterion_that_asks_for_no_evidence_cannot_be_made(worthless) -> None:
    with pytest.raises(
        UnableToReadPolicy, match=r"gates\.uptime\.coverage must be a number above 0, up to 1"
    ):
        UptimeCriterion(coverage=worthless)


@pytest.mark.parametrize(
    "facts",
    [
        None,
        quiet(heals=None),
        quiet(heals=(HealCount("api", -1),)),
        quiet(api_server_errors=None),
        quiet(api_failed_probes=None),
        quiet(api_server_errors=-1),
        quiet(api_failed_probes=-1),
    ],
)
def test_trigger_without_facts_is_no_go(facts) -> None:
    verdict = evaluate(clean(triggers=facts), Policy())

    assert (verdict.decision, verdict.proven, verdict.conclusive) == (Decision.NO_GO, 5, False)


@pytest.mark.parametrize("total", ["NaN", "Infinity", "-3"])
def test_cost_of_today_that_is_not_an_amount_is_no_go(total: str) -> None:
    today = replace(costs().days[0], day=JUDGED_AT.date(), completed=False, total=Decimal(total))

    verdict = evaluate(clean(costs=costs(days=(*costs().days, today))), Policy())

    assert (verdict.decision, verdict.proven, verdict.conclusive) == (Decision.NO_GO, 5, False)
    assert verdict.reasons == ("Cost spike NOT KNOWN: A recorded cost is not an amount.",)
