"""Rows of other judges: the same answer where theirs is sound, the opposite where they pass on absence."""

import json
from dataclasses import replace
from typing import Any

import pytest

from monitoring.domain.evidence import Evidence
from monitoring.domain.gates import evaluate
from monitoring.domain.policy import GateKey, Policy
from monitoring.domain.policy_fields import UnableToReadPolicy
from monitoring.domain.verdicts import Decision, Standing
from tests.monitoring.domain.clean_evidence import (
    JUDGED_AT,
    VECTORS,
    WEEK,
    clean,
    error_rate,
    lacking,
    quiet,
    reading,
    uptime,
)

if not VECTORS.is_dir():
    pytest.skip(f"the shared vectors are not at {VECTORS}", allow_module_level=True)

KEPTN = json.loads((VECTORS / "keptn_slo_evaluation.json").read_text(encoding="utf-8"))
ARGO = json.loads((VECTORS / "argo_analysis_phases.json").read_text(encoding="utf-8"))["cases"]
LIGHTHOUSE = KEPTN["keptn_v1_lighthouse"]["cases"]
TOOLKIT = KEPTN["keptn_lifecycle_toolkit"]["cases"]


def row(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The row of that name; a renamed row is an error, not a test that quietly does nothing."""
    return next(one for one in rows if one["name"] == name)


def named(rows: list[dict[str, Any]], *operators: str) -> list[Any]:
    chosen = [one for one in rows if one.get("operator") in operators and not one["expect_error"]]
    assert chosen
    return [pytest.param(one, id=one["name"]) for one in chosen]


@pytest.mark.parametrize("case", named(LIGHTHOUSE["compare_value"], ">="))
def test_keptn_compare_value_at_least(case: dict[str, Any]) -> None:
    facts = uptime(low=case["measured"] / 100, likely=case["measured"] / 100)

    gate = reading(
        GateKey.UPTIME, clean(uptime=facts), Policy().with_limit(GateKey.UPTIME, case["threshold"])
    )

    assert gate.within is case["expect"]


@pytest.mark.parametrize("case", named(LIGHTHOUSE["compare_value"], "<="))
def test_keptn_compare_value_at_most(case: dict[str, Any]) -> None:
    facts = error_rate(bad=int(case["measured"]) * 10, total=1000)

    gate = reading(
        GateKey.ERROR_RATE,
        clean(error_rate=facts),
        Policy().with_limit(GateKey.ERROR_RATE, case["threshold"]),
    )

    assert gate.within is case["expect"]


@pytest.mark.parametrize(
    "case",
    [one for one in TOOLKIT["operator"] if one["operator"]["op"] in ("lte", "gte")],
    ids=lambda c: c["name"],
)
def test_keptn_toolkit_operator(case: dict[str, Any]) -> None:
    key = GateKey.ERROR_RATE if case["operator"]["op"] == "lte" else GateKey.UPTIME
    value = case["value"] / 100
    evidence = clean(
        uptime=uptime(low=value, likely=value), error_rate=error_rate(bad=int(case["value"]), total=100)
    )

    gate = reading(key, evidence, Policy().with_limit(key, case["operator"]["value"]))

    assert gate.within is case["fulfilled"]


@pytest.mark.parametrize("name", ["Fail with result equal to nil", "Fail with result success = false"])
def test_keptn_value_that_was_not_received_fails(name: str) -> None:
    case = row(LIGHTHOUSE["evaluate_objectives"], name)

    verdict = evaluate(clean(uptime=None), Policy())

    assert [one["status"] for one in case["expect"]["indicators"]] == ["fail"]
    assert verdict.decision is Decision.NO_GO


def test_keptn_key_objective_that_fails_outweighs_all_others() -> None:
    lighthouse = row(LIGHTHOUSE["calculate_score"], "Key SLI failed")
    toolkit = row(TOOLKIT["analysis"], "fail scenario - key objective failed")

    verdicts = [
        evaluate(replace(clean(), **lacking(name)), Policy()) for name in ("uptime", "error_rate", "costs")
    ]

    assert (lighthouse["expect"]["result"], toolkit["expect"]["verdict"]) == ("fail", "fail")
    assert {one.decision for one in verdicts} == {Decision.NO_GO}


def test_opposite_of_keptn_no_objectives_pass() -> None:
    theirs = row(TOOLKIT["analysis"], "no objectives")
    policy = Policy(
        uptime=None, error_rate=None, p1_incidents=None, intelligence_api_days=None, daily_cost=None
    )

    verdict = evaluate(clean(), policy)

    assert theirs["expect"]["verdict"] == "pass"
    assert verdict.decision is Decision.NO_GO


def test_opposite_of_keptn_only_info_gates_pass_with_100() -> None:
    theirs = row(LIGHTHOUSE["calculate_score"], "Only Info SLIs")

    verdict = evaluate(clean(uptime=uptime(critical_endpoints=0)), Policy())

    assert (theirs["expect"]["result"], theirs["expect"]["score"]) == ("pass", 100.0)
    assert verdict.decision is Decision.NO_GO


def test_opposite_of_keptn_target_without_limits_passes() -> None:
    theirs = row(TOOLKIT["target"], "failure nor warning target set")
    written = Policy().to_dict()
    written["gates"]["uptime"]["min_percent"] = None

    assert theirs["expect"] == "pass"
    with pytest.raises(UnableToReadPolicy, match=r"gates\.uptime\.min_percent must be a number"):
        Policy.from_dict(written)


def test_opposite_of_keptn_relative_criterion_without_a_baseline_passes() -> None:
    theirs = row(LIGHTHOUSE["evaluate_objectives"], "BUG 1263")

    gate = reading(GateKey.ERROR_RATE, clean(error_rate=error_rate(total=0)))

    assert theirs["expect"]["indicators"][0]["status"] == "pass"
    assert gate.standing is Standing.NO_DATA


def test_opposite_of_argo_run_stopped_before_any_measurement_is_successful() -> None:
    metric = row(ARGO["metric_phase"], "no measurements yet")
    run = row(ARGO["run_phase"], "terminated before any measurement")

    verdict = evaluate(Evidence(judged_at=JUDGED_AT, window=WEEK, triggers=quiet()), Policy())

    assert (metric["expect"]["terminating_true"], run["expect"]) == ("Successful", "Successful")
    assert (verdict.decision, verdict.conclusive) == (Decision.NO_GO, False)


def test_opposite_of_argo_gate_without_any_condition_is_successful() -> None:
    theirs = row(ARGO["condition_truth_table"], "TestEvaluateResultNoFailureConditionAndNoSuccessCondition")

    verdict = evaluate(clean(), Policy(uptime=None))

    assert theirs["expect"] == "Successful"
    assert verdict.decision is Decision.NO_GO


@pytest.mark.parametrize("case", ARGO["nan_examples"], ids=lambda case: case["name"])
def test_argo_nan_is_never_a_success_here(case: dict[str, Any]) -> None:
    value = float(case["value"])

    gate = reading(GateKey.UPTIME, clean(uptime=uptime(low=value, likely=value, high=value)))

    assert case["expect"] in ("Successful", "Inconclusive", "Failed")
    assert gate.standing is Standing.NO_DATA


@pytest.mark.parametrize(
    "name", ["TestEvaluateResultErrorMessageWithNilResult", "TestEvaluateResultErrorMessageWithEmptySlice"]
)
def test_argo_result_that_is_empty_is_no_success(name: str) -> None:
    case = row(ARGO["condition_truth_table"], name)

    verdict = evaluate(clean(uptime=None, api_days=()), Policy())

    assert case["expect"] == "Error"
    assert verdict.decision is Decision.NO_GO


# What stands in for one metric of a run: a gate whose standing is the counterpart of Argo's phase.
METRICS = {
    "Successful": uptime(),
    "Running": uptime(coverage=0.5),
    "Inconclusive": uptime(likely=None),
    "Failed": uptime(low=0.5, likely=0.5, high=0.5),
}
OUTCOMES = {
    "Successful": (Decision.GO, True),
    "Running": (Decision.NO_GO, False),
    "Inconclusive": (Decision.NO_GO, False),
    "Failed": (Decision.NO_GO, True),
}


@pytest.mark.parametrize("name", ["one metric still running keeps run Running", "worst of completed metrics"])
def test_argo_run_is_as_good_as_its_worst_metric(name: str) -> None:
    case = row(ARGO["run_phase"], name)
    worst = case["metrics"][1]["phase"]

    verdict = evaluate(clean(uptime=METRICS[worst]), Policy())

    assert worst == case["expect"]
    assert (verdict.decision, verdict.conclusive) == OUTCOMES[worst]
