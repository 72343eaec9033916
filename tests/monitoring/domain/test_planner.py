from dataclasses import replace
from datetime import UTC, datetime

import pytest

from monitoring.domain.planner import PlannedEndpoint, UnableToPlan, plan_burn_in
from monitoring.domain.policy import GateKey, Policy

STARTS = datetime(2025, 11, 11, 16, tzinfo=UTC)
REVIEW = datetime(2025, 11, 24, 9, tzinfo=UTC)


def plan(*endpoints, policy=None, starts_at=STARTS, review_at=REVIEW):
    return plan_burn_in(endpoints, policy or Policy(), starts_at=starts_at, review_at=review_at)


def endpoint(name, interval, cadence=None, **fields):
    return PlannedEndpoint(name, interval_s=interval, cadence_s=cadence or interval, **fields)


def test_a_probe_every_15_minutes_cannot_demonstrate_the_objective():
    outlook = plan(endpoint("api", 900))

    one = outlook.endpoints[0]
    assert (one.probes, one.probes_needed, one.enough, one.failures_allowed) == (672, 14_978, False, -1)
    assert one.demonstrated == pytest.approx(0.99555, abs=1e-5)
    assert one.interval_needed_s == pytest.approx(40.379, abs=1e-3)
    assert one.days_needed == pytest.approx(156.02, abs=0.01)
    assert outlook.warnings[0] == (
        "api: 672 clean probes demonstrate 99.555 %; 99.98 % needs 14,978, one every 40 s."
    )


def test_a_probe_every_30_seconds_can():
    outlook = plan(endpoint("api", 30), endpoint("web", 60, critical=False))

    assert outlook.endpoints[0].enough
    assert outlook.platform.probes == 20_160
    assert outlook.endpoints[0].failures_allowed == 0
    assert outlook.downtime_allowed_s == 120.96
    assert outlook.silence_allowed_s == 604.8


def test_detection_follows_pulse_interval_and_confirmation():
    seen = plan(endpoint("api", 30, 10)).detections[0]

    assert (seen.surely_seen_s, seen.length_error_s, seen.hold_s) == (10, 7.5, 75)


def test_seven_api_days_are_complete_only_after_the_checkpoint():
    milestones = {one.gate: one.at for one in plan(endpoint("api", 30)).milestones}

    # The burn-in ends on the 18th at 16:00, when only six UTC days are complete.
    assert milestones["intelligence_api_days"] == datetime(2025, 11, 19, tzinfo=UTC)
    assert milestones["uptime"] < datetime(2025, 11, 18, 16, tzinfo=UTC)
    at_midnight = plan(endpoint("api", 30), starts_at=datetime(2025, 11, 11, tzinfo=UTC)).milestones
    assert at_midnight[3].at == datetime(2025, 11, 18, tzinfo=UTC)


def test_gate_that_cannot_be_proven_by_the_review_is_warned_of():
    warnings = plan(endpoint("api", 900), review_at=datetime(2025, 11, 18, 16, tzinfo=UTC)).warnings

    assert any(
        text.startswith("error_rate cannot be proven by the review: 598 observations") for text in warnings
    )
    assert any(text.startswith("intelligence_api_days cannot be proven by the review") for text in warnings)


def test_plan_without_critical_endpoints_says_so():
    outlook = plan(endpoint("web", 30, critical=False))

    assert outlook.platform is None
    assert outlook.warnings[0].startswith("No endpoint is critical")
    assert plan().endpoints == ()


def test_endpoint_probed_less_than_once_demonstrates_nothing():
    one = plan(endpoint("api", 700_000)).endpoints[0]

    assert (one.probes, one.demonstrated) == (0, None)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: plan(policy=replace(Policy(), uptime=None)), "The policy lacks a gate"),
        (
            lambda: plan(policy=Policy().with_limit(GateKey.UPTIME, 100)),
            "No number of probes demonstrates 100 %",
        ),
        (lambda: endpoint("api", 0), "the interval must be above 0"),
        (lambda: endpoint("api", 10, 30), "not below the pulse"),
    ],
)
def test_plan_that_cannot_be_made_is_refused(make, message):
    with pytest.raises(UnableToPlan, match=message):
        make()
