"""The verdict: what is GO, what is NO-GO, and why."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from monitoring.domain.evidence import Evidence, UnableToJudge, Window
from monitoring.domain.gates import evaluate
from monitoring.domain.policy import GateKey, Policy, TriggerKey, WindowKind, WindowRule
from monitoring.domain.verdicts import Decision, ExitCode, Standing, Verdict, exit_code
from tests.monitoring.domain.clean_evidence import (
    JUDGED_AT,
    WEEK,
    api_days,
    clean,
    cost_days,
    costs,
    error_rate,
    incident,
    incidents,
    quiet,
    reading,
    uptime,
)


def test_clean_observed_week_is_go() -> None:
    verdict = evaluate(clean(), Policy())

    assert verdict.decision is Decision.GO
    assert (verdict.within, verdict.proven, verdict.conclusive) == (5, 5, True)
    assert verdict.reasons == ()
    assert [one.standing for one in verdict.gates] == [Standing.PASS] * 5
    assert (exit_code(verdict), int(ExitCode.GO)) == (ExitCode.GO, 0)


def test_json_has_exactly_the_agreed_shape() -> None:
    written = evaluate(clean(), Policy(version=3)).to_json_dict()

    assert list(written) == [
        "at",
        "window",
        "decision",
        "conclusive",
        "within",
        "proven",
        "gates",
        "triggers",
        "policy_version",
    ]
    assert written["at"] == "2025-11-19T09:00:00Z"
    assert written["window"] == {"start": "2025-11-12T09:00:00Z", "end": "2025-11-19T09:00:00Z"}
    assert (written["decision"], written["conclusive"], written["policy_version"]) == ("GO", True, 3)
    assert [gate["key"] for gate in written["gates"]] == [
        "uptime",
        "error_rate",
        "p1_incidents",
        "intelligence_api_days",
        "daily_cost",
    ]
    assert [(gate["limit"], gate["unit"]) for gate in written["gates"]] == [
        (99.98, "%"),
        (0.5, "%"),
        (0.0, "incidents"),
        (7.0, "days"),
        (10.0, "USD"),
    ]
    assert [gate["value"] for gate in written["gates"]] == [100.0, 0.0, 0.0, 7.0, 7.0]
    for gate in written["gates"]:
        assert list(gate) == [
            "key",
            "value",
            "low",
            "high",
            "limit",
            "unit",
            "standing",
            "within",
            "proven",
            "coverage",
            "samples",
            "explanation",
        ]
    assert [trigger["key"] for trigger in written["triggers"]] == [key.value for key in TriggerKey]
    assert all(list(trigger) == ["key", "fired", "explanation"] for trigger in written["triggers"])


def test_record_keeps_what_the_json_leaves_out() -> None:
    evidence = clean(uptime=uptime(coverage=0.5, demonstrated="99.5 % at 95 %"), triggers=None)

    record = evaluate(evidence, Policy()).to_record_dict()

    assert record["gates"][0]["demonstrated"] == "99.5 % at 95 %"
    assert record["gates"][0]["missing"] == ["Only 50.00 % of the window was observed; 99.9 % is needed."]
    assert record["gates"][0]["rows"] == ["health:1-60480"]
    assert [one["observed"] for one in record["triggers"]] == [True, False, True, False]
    assert record["reasons"][0].startswith("Uptime ON TRACK: ")


def test_day_zero_of_the_seed_is_no_go_with_three_of_five_within() -> None:
    start = datetime(2025, 11, 11, 16, tzinfo=UTC)
    now = start + timedelta(minutes=10)
    evidence = Evidence(
        judged_at=now,
        window=Window(now - timedelta(days=7), now),
        error_rate=error_rate(window=Window(now - timedelta(days=1), now), total=40, coverage=0.007),
        incidents=incidents(coverage=0.001, samples=40),
        api_days=(),
        costs=costs(days=(), run_rate=Decimal("7.0")),
        triggers=quiet(),
    )

    verdict = evaluate(evidence, Policy())

    assert verdict.decision is Decision.NO_GO
    assert (verdict.within, verdict.proven, verdict.conclusive) == (3, 0, False)
    assert [one.standing for one in verdict.gates] == [
        Standing.NO_DATA,
        Standing.ON_TRACK,
        Standing.ON_TRACK,
        Standing.NO_DATA,
        Standing.ON_TRACK,
    ]
    assert [one.value for one in verdict.gates] == [None, 0.0, 0.0, 0.0, 7.0]
    assert (exit_code(verdict), int(ExitCode.LACK_OF_EVIDENCE)) == (ExitCode.LACK_OF_EVIDENCE, 2)


def test_day_zero_with_clean_probes_is_four_of_five_within_and_none_proven() -> None:
    evidence = clean(
        uptime=uptime(samples=40, coverage=0.001),
        error_rate=error_rate(total=40, coverage=0.007),
        incidents=incidents(coverage=0.001, samples=40),
        api_days=(),
        costs=costs(days=()),
    )

    verdict = evaluate(evidence, Policy())

    assert (verdict.within, verdict.proven, verdict.decision) == (4, 0, Decision.NO_GO)
    assert not verdict.conclusive


def test_portal_that_observed_nothing_has_nothing_within() -> None:
    verdict = evaluate(Evidence(judged_at=JUDGED_AT, window=WEEK), Policy())

    assert (verdict.within, verdict.proven, verdict.decision) == (0, 0, Decision.NO_GO)
    assert {one.standing for one in verdict.gates} == {Standing.NO_DATA}
    assert not any(one.fired or one.observed for one in verdict.triggers)
    assert exit_code(verdict) == ExitCode.LACK_OF_EVIDENCE


FAILING = {
    GateKey.UPTIME: clean(uptime=uptime(low=0.9, likely=0.9, high=0.9)),
    GateKey.ERROR_RATE: clean(error_rate=error_rate(bad=100)),
    GateKey.P1_INCIDENTS: clean(incidents=incidents(incident())),
    GateKey.INTELLIGENCE_API_DAYS: clean(api_days=(replace(api_days(1)[0], endpoints=()), *api_days()[1:])),
    GateKey.DAILY_COST: clean(costs=costs(days=cost_days(d14="10.01"))),
}


@pytest.mark.parametrize("key", list(GateKey))
def test_one_gate_that_is_not_proven_is_no_go_whatever_the_others_say(key: GateKey) -> None:
    verdict = evaluate(FAILING[key], Policy())

    assert verdict.decision is Decision.NO_GO
    assert [one.key for one in verdict.gates if not one.proven] == [key]
    assert verdict.proven == 4


@pytest.mark.parametrize(
    "key", [GateKey.UPTIME, GateKey.ERROR_RATE, GateKey.P1_INCIDENTS, GateKey.DAILY_COST]
)
def test_failed_gate_is_conclusive_and_named_first(key: GateKey) -> None:
    evidence = replace(FAILING[key], triggers=None, api_days=None)

    verdict = evaluate(evidence, Policy())

    assert verdict.conclusive
    assert (exit_code(verdict), int(ExitCode.NO_GO)) == (ExitCode.NO_GO, 1)
    assert " FAIL: " in verdict.reasons[0]
    assert "Intelligence API days NO DATA: " in " ".join(verdict.reasons[1:])


def test_fired_trigger_alone_is_conclusive_no_go() -> None:
    verdict = evaluate(clean(triggers=quiet(api_server_errors=1)), Policy())

    assert (verdict.proven, verdict.decision, verdict.conclusive) == (5, Decision.NO_GO, True)
    assert verdict.reasons == (
        "Intelligence API errors FIRED: 5xx answers to real requests: 1; failed probes: 0.",
    )


def test_trigger_that_could_not_be_checked_is_no_go_for_lack_of_evidence() -> None:
    verdict = evaluate(clean(triggers=None), Policy())

    assert (verdict.proven, verdict.decision, verdict.conclusive) == (5, Decision.NO_GO, False)
    assert verdict.reasons == (
        "Repeated self-heal NOT KNOWN: Self-heal actions could not be counted.",
        "Intelligence API errors NOT KNOWN: 5xx answers to real requests: unknown; failed probes: unknown.",
    )


def test_exit_code_three_when_no_verdict_was_reached() -> None:
    assert (exit_code(None), int(ExitCode.COULD_NOT_JUDGE)) == (ExitCode.COULD_NOT_JUDGE, 3)


@pytest.mark.parametrize(
    ("kind", "start", "end", "go"),
    [
        (WindowKind.TRAILING, timedelta(days=-7), timedelta(0), True),
        (WindowKind.TRAILING, timedelta(days=-7, minutes=-5), timedelta(minutes=-5), True),
        (WindowKind.TRAILING, timedelta(days=-7, seconds=-301), timedelta(seconds=-301), False),
        (WindowKind.TRAILING, timedelta(days=-6), timedelta(0), False),
        (WindowKind.TRAILING, timedelta(days=-8), timedelta(0), False),
        (WindowKind.BURN_IN, timedelta(days=-7), timedelta(0), True),
        (WindowKind.BURN_IN, timedelta(days=-6), timedelta(0), False),
        (WindowKind.BURN_IN, timedelta(days=-4), timedelta(days=3), False),
        (WindowKind.BURN_IN, timedelta(days=1), timedelta(days=8), False),
        (WindowKind.TRAILING, timedelta(0), timedelta(days=-7), False),
        (WindowKind.TRAILING, timedelta(0), timedelta(0), False),
    ],
)
def test_window_must_be_the_one_the_policy_asks_for(
    kind: WindowKind, start: timedelta, end: timedelta, go: bool
) -> None:
    evidence = clean(window=Window(JUDGED_AT + start, JUDGED_AT + end))

    verdict = evaluate(evidence, Policy(window=WindowRule(kind=kind)))

    assert (verdict.decision is Decision.GO) is go


def test_longer_trailing_window_is_refused_since_it_would_dilute_an_outage() -> None:
    longer = Window(JUDGED_AT - timedelta(days=8), JUDGED_AT)

    gate = reading(GateKey.UPTIME, clean(window=longer))

    assert gate.missing == ("The window holds 8 d instead of 7 days.",)


def test_burn_in_that_ended_days_before_its_review_and_was_extended_can_be_go() -> None:
    ended = JUDGED_AT - timedelta(days=5)
    window = Window(ended - timedelta(days=14), ended)
    days = tuple(replace(costs().days[0], day=day) for day in window.days())
    evidence = clean(window=window, costs=costs(days=days))

    verdict = evaluate(evidence, Policy(window=WindowRule(kind=WindowKind.BURN_IN)))

    assert verdict.decision is Decision.GO


def test_time_without_a_zone_cannot_be_judged() -> None:
    naive = JUDGED_AT.replace(tzinfo=None)

    with pytest.raises(UnableToJudge, match="The judged moment is 2025-11-19T09:00:00 without a time zone"):
        clean(judged_at=naive)
    with pytest.raises(UnableToJudge, match="The end of the window"):
        Window(WEEK.start, naive)
    with pytest.raises(UnableToJudge, match="The resolution of incident 12"):
        incident(resolved=naive)


def test_go_cannot_be_written_by_hand_over_gates_that_are_not_proven() -> None:
    verdict = evaluate(clean(triggers=None), Policy())

    with pytest.raises(ValueError, match="cannot be GO unless all five gates are proven"):
        replace(verdict, decision=Decision.GO)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda go: replace(go, gates=()),
        lambda go: replace(go, gates=go.gates[1:]),
        lambda go: replace(go, gates=(*go.gates, go.gates[0])),
        lambda go: replace(go, triggers=()),
        lambda go: replace(go, triggers=go.triggers[:3]),
    ],
)
def test_go_needs_every_gate_and_trigger_once(spoil) -> None:
    go: Verdict = evaluate(clean(), Policy())

    with pytest.raises(ValueError, match="cannot be GO"):
        spoil(go)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"value": float("nan")}, "The value of uptime is nan"),
        ({"coverage": float("inf")}, "The coverage of uptime is inf"),
        ({"standing": Standing.FAIL}, "cannot stand at FAIL"),
        ({"within": False}, "cannot stand at PASS"),
        ({"missing": ("Proof.",)}, "cannot be proven while evidence is missing: Proof."),
    ],
)
def test_reading_that_contradicts_itself_cannot_be_made(changes, problem) -> None:
    gate = evaluate(clean(), Policy()).gates[0]

    with pytest.raises(ValueError, match=problem):
        replace(gate, **changes)
