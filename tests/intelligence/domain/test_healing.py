"""The brakes, one by one, and whether a metric came back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from intelligence.domain.healing import HealFacts, Step, check_brakes, has_recovered
from intelligence.domain.series import Direction

NOW = datetime(2025, 11, 15, 12, tzinfo=UTC)
FREE = HealFacts(
    destructive=False,
    approved=False,
    dry_run=False,
    autorecover=True,
    stabilise=False,
    acted_at=(),
    running=False,
)


def ago(*minutes):
    return tuple(NOW - timedelta(minutes=one) for one in minutes)


@pytest.mark.parametrize(
    ("change", "step", "why"),
    [
        ({}, Step.GO, ""),
        ({"stabilise": True, "approved": True}, Step.SKIP, "STABILIZE_MODE"),
        ({"running": True, "approved": True}, Step.SKIP, "has not ended"),
        ({"acted_at": ago(29)}, Step.SKIP, "cool-down"),
        ({"acted_at": ago(29), "approved": True}, Step.SKIP, "cool-down"),
        ({"acted_at": ago(30)}, Step.GO, ""),
        ({"acted_at": ago(40, 80)}, Step.GO, ""),
        ({"acted_at": ago(40, 80, 120)}, Step.SKIP, "3 actions in 24 hours"),
        ({"acted_at": ago(40, 80, 24 * 60)}, Step.GO, ""),
        ({"destructive": True}, Step.WAIT, "destructive"),
        ({"destructive": True, "approved": True}, Step.GO, ""),
        ({"autorecover": False}, Step.WAIT, "INCIDENT_AUTORECOVER"),
        ({"autorecover": False, "dry_run": True}, Step.GO, ""),
        ({"autorecover": False, "approved": True}, Step.GO, ""),
    ],
)
def test_brakes(change, step, why):
    braked = check_brakes(replace(FREE, **change), NOW)

    assert braked.step is step
    assert why in braked.why


@pytest.mark.parametrize(
    ("direction", "expected", "anomalous", "newest", "recovered"),
    [
        (Direction.UP, 100, 500, 300, True),
        (Direction.UP, 100, 500, 301, False),
        (Direction.DOWN, 1.0, 0.0, 0.5, True),
        (Direction.DOWN, 1.0, 0.0, 0.4, False),
        (Direction.BOTH, 100, 200, 60, True),
        (Direction.BOTH, 100, 200, 40, False),
        (Direction.UP, 100, 500, None, None),
        (Direction.UP, None, 500, 300, None),
    ],
)
def test_recovery_is_half_of_the_way_back(direction, expected, anomalous, newest, recovered):
    found = has_recovered(direction=direction, expected=expected, anomalous=anomalous, newest=newest)

    assert found is recovered
