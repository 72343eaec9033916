"""Each rule of the decision engine at its edges."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from intelligence.domain.decisions import EndpointFacts, Facts, advise

NOW = datetime(2025, 11, 15, 12, tzinfo=UTC)
CALM = EndpointFacts(
    key="endpoint:1",
    name="shop",
    mean_latency_ms=None,
    p95_ms=None,
    p95_target_ms=None,
    outages=0,
    open_outage=False,
    coverage=None,
    certificate_expires_at=None,
)


def keys(facts):
    return [(one.key, one.priority.value) for one in advise(facts)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"mean_latency_ms": 200.0}, []),
        ({"mean_latency_ms": 200.1}, [("latency:endpoint:1", "medium")]),
        ({"mean_latency_ms": 500.1}, [("latency:endpoint:1", "high")]),
        ({"outages": 1}, []),
        ({"outages": 2}, [("recurring:endpoint:1", "high")]),
        ({"open_outage": True, "outages": 1}, [("down:endpoint:1", "high")]),
        ({"certificate_expires_at": NOW + timedelta(days=22)}, []),
        ({"certificate_expires_at": NOW + timedelta(days=21)}, [("certificate:endpoint:1", "medium")]),
        ({"certificate_expires_at": NOW - timedelta(days=1)}, [("certificate:endpoint:1", "high")]),
        ({"p95_ms": 100.0}, []),
        ({"p95_ms": 100.0, "p95_target_ms": 150.0}, []),
        ({"p95_ms": 151.0, "p95_target_ms": 150.0}, [("target:endpoint:1", "low")]),
        ({"p95_ms": 60.0, "p95_target_ms": 150.0}, [("target:endpoint:1", "low")]),
    ],
)
def test_rules_of_an_endpoint(change, expected):
    assert keys(Facts(now=NOW, endpoints=(replace(CALM, **change),))) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"quotas": {"memory": 0.8}}, []),
        ({"quotas": {"memory": 0.81}}, [("quota:memory", "high")]),
        ({"budgets_spent": {"api": 0.5}}, []),
        ({"budgets_spent": {"api": 0.51}}, [("budget:api", "medium")]),
        ({"budgets_spent": {"api": 1.01}}, [("budget:api", "high")]),
        ({"run_rate_usd": 11.0, "cost_limit_usd": None}, []),
        ({"run_rate_usd": 10.0, "cost_limit_usd": 10.0}, []),
        ({"run_rate_usd": 10.1, "cost_limit_usd": 10.0}, [("cost:run_rate", "high")]),
        ({"unproven_gates": ("uptime",)}, [("coverage:gates", "medium")]),
    ],
)
def test_rules_of_the_platform(facts, expected):
    assert keys(Facts(now=NOW, **facts)) == expected


def test_a_tuning_says_what_it_would_change():
    (advice,) = advise(Facts(now=NOW, endpoints=(replace(CALM, p95_ms=300.0, p95_target_ms=150.0),)))

    assert advice.to_dict()["evidence"]["dry_run"] == "latency_objective_ms: 150 -> 360"
