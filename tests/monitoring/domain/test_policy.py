"""The policy as data: what it holds, and that reading one is strict."""

import copy
import json
import math
from dataclasses import FrozenInstanceError, replace
from decimal import Decimal

import pytest

from monitoring.domain.policy import (
    CostCriterion,
    ErrorRateCriterion,
    GateKey,
    Policy,
    TriggerRule,
    WindowKind,
    WindowRule,
)
from monitoring.domain.policy_fields import UnableToReadPolicy
from tests.monitoring.domain.clean_evidence import lacking


def changed(path: str, value: object) -> dict[str, object]:
    """The default policy as it is written, with one entry replaced."""
    written = copy.deepcopy(Policy().to_dict())
    *way, last = path.split(".")
    place = written
    for name in way:
        place = place[name]
    place[last] = value
    return written


def test_defaults_are_those_of_the_review() -> None:
    assert Policy().to_dict() == {
        "version": 1,
        "window": {"kind": "trailing", "days": 7, "max_lag_s": 300},
        "gates": {
            "uptime": {"min_percent": 99.98, "coverage": 0.999},
            "error_rate": {"max_percent": 0.5, "hours": 24, "coverage": 0.99, "min_observations": 598},
            "p1_incidents": {"max_count": 0, "coverage": 0.999},
            "intelligence_api_days": {
                "min_days": 7,
                "share_ok": 0.995,
                "coverage": 0.95,
                "endpoints": [
                    "/api/intelligence/status",
                    "/api/intelligence/anomalies",
                    "/api/intelligence/recommendations",
                    "/api/intelligence/forecasts",
                    "/api/intelligence/health",
                ],
            },
            "daily_cost": {"max_usd": "10.00"},
        },
        "triggers": {
            "p1_incidents": 1,
            "heals_per_subsystem": 2,
            "heal_days": 7,
            "above_usd_per_day": "10.00",
            "api_server_errors": 1,
            "api_failed_probes": 1,
        },
    }


def test_fewest_observations_are_those_that_demonstrate_the_limit() -> None:
    criterion = ErrorRateCriterion()
    chance = 1 - criterion.max_percent / 100

    assert chance**criterion.min_observations < 0.05 <= chance ** (criterion.min_observations - 1)


def test_policy_survives_json() -> None:
    policy = Policy(version=4, window=WindowRule(kind=WindowKind.BURN_IN, days=14)).with_limit(
        GateKey.DAILY_COST, "12.345"
    )

    assert Policy.from_dict(json.loads(json.dumps(policy.to_dict()))) == policy


def kinds(value: object) -> set[type]:
    """The types of everything in a nest of plain values."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {type(value)}.union(*(kinds(one) for one in inner))


def test_policy_is_written_in_plain_values_that_safe_yaml_takes() -> None:
    assert kinds(Policy().to_dict()) == {dict, list, str, int, float}


def test_policy_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Policy().version = 2  # type: ignore[misc]  # the point of the test


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("version", 0, "version must be a whole number, at least 1, not 0"),
        ("version", True, "version must be a whole number"),
        ("version", "1", "version must be a whole number"),
        ("extra", 1, "policy has an unknown entry 'extra'"),
        ("window", None, "window must be a mapping with kind, days, max_lag_s, not None"),
        ("window.kind", "calendar", "window.kind must be one of trailing, burn_in, not 'calendar'"),
        ("window.kind", ["trailing"], "window.kind must be one of"),
        ("window.days", 0, "window.days must be a whole number from 1 to 366, not 0"),
        ("window.days", 367, "window.days must be a whole number from 1 to 366"),
        ("window.days", 7.0, "window.days must be a whole number"),
        ("gates", [], "gates must be a mapping"),
        ("gates.latency", {}, "gates has an unknown entry 'latency'"),
        ("gates.uptime", None, "gates.uptime must be a mapping"),
        (
            "gates.uptime.min_percent",
            math.nan,
            "gates.uptime.min_percent must be a number from 0 to 100, not nan",
        ),
        ("gates.uptime.min_percent", math.inf, "gates.uptime.min_percent must be a number"),
        ("gates.uptime.min_percent", "99.98", "gates.uptime.min_percent must be a number"),
        ("gates.uptime.min_percent", 10**400, "gates.uptime.min_percent must be a number"),
        ("gates.uptime.coverage", 0, "gates.uptime.coverage must be a number above 0, up to 1, not 0"),
        ("gates.uptime.coverage", False, "gates.uptime.coverage must be a number above 0"),
        (
            "gates.error_rate.min_observations",
            0,
            "min_observations must be a whole number from 1 to 1000000000",
        ),
        ("gates.p1_incidents.max_count", -1, "max_count must be a whole number from 0 to 1000000000, not -1"),
        (
            "gates.intelligence_api_days.endpoints",
            [],
            "endpoints must be a list of different, non-empty names",
        ),
        ("gates.intelligence_api_days.endpoints", "status", "endpoints must be a list"),
        ("gates.intelligence_api_days.endpoints", ["a", "a"], "endpoints must be a list of different"),
        ("gates.intelligence_api_days.endpoints", [""], "endpoints must be a list of different"),
        ("gates.intelligence_api_days.endpoints", [1], "endpoints must be a list of different"),
        ("gates.daily_cost.max_usd", "ten", "gates.daily_cost.max_usd must be an amount of US dollars"),
        ("gates.daily_cost.max_usd", "1E+13", "gates.daily_cost.max_usd must be an amount"),
        ("gates.daily_cost.max_usd", "sNaN", "gates.daily_cost.max_usd must be an amount"),
        ("gates.daily_cost.max_usd", "NaN", "gates.daily_cost.max_usd must be an amount"),
        ("gates.daily_cost.max_usd", math.inf, "gates.daily_cost.max_usd must be an amount"),
        ("gates.daily_cost.max_usd", -1, "gates.daily_cost.max_usd must be an amount"),
        ("gates.daily_cost.max_usd", True, "gates.daily_cost.max_usd must be an amount"),
        ("gates.daily_cost.max_usd", None, "gates.daily_cost.max_usd must be an amount"),
        ("triggers.heals_per_subsystem", None, "triggers.heals_per_subsystem must be a whole number"),
    ],
)
def test_reading_names_what_is_wrong(path: str, value: object, message: str) -> None:
    with pytest.raises(UnableToReadPolicy) as error:
        Policy.from_dict(changed(path, value))

    assert message in str(error.value)


@pytest.mark.parametrize("key", list(GateKey))
def test_missing_gate_is_named(key: GateKey) -> None:
    written = replace(Policy(), **lacking(key.value)).to_dict()

    with pytest.raises(UnableToReadPolicy, match=rf"^gates\.{key} is missing\.$"):
        Policy.from_dict(written)


def test_missing_triggers_are_named() -> None:
    with pytest.raises(UnableToReadPolicy, match=r"^policy\.triggers is missing\.$"):
        Policy.from_dict(Policy(triggers=None).to_dict())


@pytest.mark.parametrize("section", ["window", "gates.uptime", "gates.daily_cost", "triggers"])
def test_missing_entry_of_a_section_is_named(section: str) -> None:
    with pytest.raises(UnableToReadPolicy, match=rf"^{section}\.\w+ is missing\.$"):
        Policy.from_dict(changed(section, {}))


@pytest.mark.parametrize(
    ("written", "amount"),
    [("10", Decimal(10)), (10, Decimal(10)), (9.99, Decimal("9.99")), (Decimal("0"), Decimal(0))],
)
def test_amounts_are_read_exactly(written: object, amount: Decimal) -> None:
    assert CostCriterion(max_usd=written).max_usd == amount  # type: ignore[arg-type]  # as YAML gives it
    assert TriggerRule(above_usd_per_day=written).above_usd_per_day == amount  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    ("key", "limit", "path", "value"),
    [
        (GateKey.UPTIME, "99.95", ("uptime", "min_percent"), 99.95),
        (GateKey.UPTIME, 99, ("uptime", "min_percent"), 99.0),
        (GateKey.ERROR_RATE, "1", ("error_rate", "max_percent"), 1.0),
        (GateKey.P1_INCIDENTS, "2", ("p1_incidents", "max_count"), 2),
        (GateKey.INTELLIGENCE_API_DAYS, "3", ("intelligence_api_days", "min_days"), 3),
        (GateKey.DAILY_COST, "12.50", ("daily_cost", "max_usd"), Decimal("12.5")),
    ],
)
def test_what_if_changes_one_limit_only(key, limit, path, value) -> None:
    policy = Policy().with_limit(key, limit)

    criterion, name = path
    assert getattr(getattr(policy, criterion), name) == value
    assert replace(policy, **{criterion: getattr(Policy(), criterion)}) == Policy()


@pytest.mark.parametrize(
    ("key", "limit"),
    [
        (GateKey.UPTIME, "high"),
        (GateKey.UPTIME, "nan"),
        (GateKey.UPTIME, "101"),
        (GateKey.P1_INCIDENTS, "0.5"),
        (GateKey.DAILY_COST, "-1"),
    ],
)
def test_what_if_refuses_a_limit_that_is_none(key: GateKey, limit: str) -> None:
    with pytest.raises(UnableToReadPolicy, match=rf"^gates\.{key}\."):
        Policy().with_limit(key, limit)


def test_what_if_refuses_a_gate_that_is_not_there() -> None:
    with pytest.raises(
        UnableToReadPolicy, match=r"^gates\.uptime is missing, so it has no limit to change\.$"
    ):
        Policy(uptime=None).with_limit(GateKey.UPTIME, 99)
