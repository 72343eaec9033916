"""Scaling decisions."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intelligence.domain.scaling import (
    Load,
    ScalingChoice,
    ScalingFacts,
    ScalingPolicy,
    UnableToDecideScaling,
    decide_scaling,
)

CALM, IDLE, SLOW, LONG = Load(100.0, 3), Load(20.0, 0), Load(151.0, 0), Load(100.0, 11)
FACTS = ScalingFacts(
    now=CALM, before=CALM, workers=2, spend_24h=Decimal(5), spend_limit=Decimal(10), margin=0.4
)


@pytest.mark.parametrize(
    ("changes", "choice", "target", "words"),
    [
        ({}, "hold", 2, "neither above the limits"),
        ({"now": SLOW}, "up", 3, "P95 latency is 151 ms, above 150 ms"),
        ({"now": LONG}, "up", 3, "11 jobs wait, more than 10"),
        ({"now": Load(150.0, 10)}, "hold", 2, "neither"),
        ({"now": Load(None, 11)}, "up", 3, "11 jobs wait"),
        ({"now": Load(151.0, None)}, "up", 3, "P95"),
        ({"now": SLOW, "workers": 4}, "hold", 4, "4 are the most allowed"),
        ({"now": SLOW, "spend_24h": None}, "up", 3, "not known"),
        ({"now": IDLE, "before": IDLE}, "down", 1, "idle now and at the check before"),
        ({"now": IDLE, "before": IDLE, "workers": 1}, "hold", 1, "1 are the least allowed"),
        ({"now": IDLE, "before": CALM}, "hold", 2, "twice is needed"),
        ({"now": IDLE, "before": None}, "hold", 2, "twice is needed"),
        ({"now": IDLE, "before": Load(None, None)}, "hold", 2, "twice is needed"),
        ({"now": IDLE, "before": Load(None, 0)}, "hold", 2, "twice is needed"),
        ({"now": IDLE, "before": Load(20.0, None)}, "hold", 2, "twice is needed"),
        ({"now": Load(40.0, 0), "before": IDLE}, "hold", 2, "neither"),
        ({"now": Load(20.0, 1), "before": IDLE}, "hold", 2, "neither"),
        ({"now": Load(None, 0), "before": IDLE}, "hold", 2, "No data: the latency"),
        ({"now": Load(20.0, None), "before": IDLE}, "hold", 2, "No data: the queue"),
        ({"now": SLOW, "spend_24h": Decimal(9)}, "freeze", 2, "90 % or more of the limit of $10.00"),
        ({"now": SLOW, "margin": 0.09}, "freeze", 2, "The margin is 9.0%, below 10%"),
        ({"now": IDLE, "before": IDLE, "margin": 0.0}, "freeze", 2, "margin"),
        ({"now": SLOW, "margin": 0.1, "spend_24h": Decimal("8.99")}, "up", 3, "P95"),
        ({"now": SLOW, "spend_limit": None, "spend_24h": Decimal(99)}, "up", 3, "not known"),
        ({"now": SLOW, "stabilise": True, "margin": 0.0}, "hold", 2, "Stabilise mode"),
        ({"now": SLOW, "enabled": False}, "hold", 2, "switched off"),
    ],
)
def test_decision(changes: dict[str, object], choice: str, target: int, words: str) -> None:
    decision = decide_scaling(replace(FACTS, **changes))  # type: ignore[arg-type]  # a table of single fields

    assert (decision.choice, decision.target) == (choice, target)
    assert words in " ".join(decision.reasons)


LOADS = st.builds(
    Load, st.sampled_from([None, 0.0, 39.9, 40.0, 150.0, 150.1, 999.0]), st.sampled_from([None, 0, 1, 10, 11])
)


@given(
    st.builds(
        ScalingFacts,
        now=LOADS,
        before=st.one_of(st.none(), LOADS),
        workers=st.integers(0, 9),
        spend_24h=st.one_of(st.none(), st.decimals(0, 20, places=2)),
        spend_limit=st.one_of(st.none(), st.decimals(0, 20, places=2)),
        margin=st.one_of(st.none(), st.floats(-1, 1)),
        stabilise=st.booleans(),
        enabled=st.booleans(),
    )
)
def test_never_down_without_data_and_always_with_reasons(facts: ScalingFacts) -> None:
    decision = decide_scaling(facts)

    assert decision.reasons
    assert abs(decision.target - facts.workers) == (decision.choice in {ScalingChoice.UP, ScalingChoice.DOWN})
    if decision.choice is ScalingChoice.DOWN:
        assert facts.before is not None
        for load in (facts.now, facts.before):
            assert load.p95_ms is not None
            assert load.p95_ms < 40
            assert load.queue_depth == 0
        assert decision.target >= 1
    if decision.choice is ScalingChoice.UP:
        assert decision.target <= 4


@pytest.mark.parametrize(
    ("facts", "policy", "words"),
    [
        (replace(FACTS, workers=-1), None, "workers is -1"),
        (replace(FACTS, now=Load(float("nan"), 0)), None, "now.p95_ms is nan"),
        (replace(FACTS, before=Load(1.0, -2)), None, "before.queue_depth is -2"),
        (replace(FACTS, spend_24h=Decimal(-1)), None, "spend_24h is -1"),
        (replace(FACTS, margin=float("inf")), None, "margin is inf"),
        (FACTS, ScalingPolicy(least_workers=5), "5 to 4 workers"),
        (FACTS, ScalingPolicy(least_workers=0), "0 to 4 workers"),
        (FACTS, ScalingPolicy(down_p95_ms=150.0), "down below 150 ms"),
    ],
)
def test_impossible_facts_are_refused(facts: ScalingFacts, policy: ScalingPolicy | None, words: str) -> None:
    with pytest.raises(UnableToDecideScaling, match=words):
        decide_scaling(facts, policy)
