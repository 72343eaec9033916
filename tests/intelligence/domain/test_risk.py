"""The risk score and everything taken off it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intelligence.domain.risk import RiskFactor, RiskFacts, RiskLevel, risk_level, risk_score
from monitoring.domain.observing import Severity

SAFE = RiskFacts(incidents={}, budget_spent=0.0, audit_denies=0, overdue_jobs=0, unproven_gates=0)


def test_nothing_taken_off_is_a_hundred() -> None:
    found = risk_score(SAFE)

    assert (found.score, found.level, found.deductions) == (100, RiskLevel.LOW, ())


@pytest.mark.parametrize(
    ("changes", "factor", "points", "words"),
    [
        ({"incidents": {Severity.P1: 1}}, "incidents", 25, "1 × P1"),
        (
            {"incidents": {Severity.P2: 1, Severity.P3: 2, Severity.P4: 3}},
            "incidents",
            21,
            "1 × P2, 2 × P3, 3 × P4",
        ),
        ({"incidents": {Severity.P1: 9}}, "incidents", 50, "9 × P1"),
        ({"budget_spent": 0.51}, "error_budget", 10, "51% of the error budget"),
        ({"budget_spent": 1.01}, "error_budget", 20, "101%"),
        ({"audit_denies": 1}, "audit_denies", 1, "refused: 1"),
        ({"audit_denies": 500}, "audit_denies", 10, "500"),
        ({"overdue_jobs": 2}, "overdue_jobs", 10, "overdue: 2"),
        ({"overdue_jobs": 18}, "overdue_jobs", 20, "18"),
        ({"unproven_gates": 2}, "unproven_gates", 8, "not proven: 2"),
        ({"incidents": None}, "incidents", 10, "not known"),
        ({"budget_spent": None}, "error_budget", 10, "not known"),
        ({"audit_denies": None}, "audit_denies", 5, "not known"),
        ({"overdue_jobs": None}, "overdue_jobs", 5, "not known"),
        ({"unproven_gates": None}, "unproven_gates", 20, "not known"),
    ],
)
def test_each_deduction_is_listed(changes: dict[str, object], factor: str, points: int, words: str) -> None:
    found = risk_score(replace(SAFE, **changes))  # type: ignore[arg-type]  # a table of single fields

    [deduction] = found.deductions
    assert (deduction.factor, deduction.points) == (factor, points)
    assert words in deduction.explanation
    assert found.score == 100 - points


@pytest.mark.parametrize(("spent", "count"), [(0.5, 0), (1.0, 1)])
def test_budget_limits_are_exclusive(spent: float, count: int) -> None:
    found = risk_score(replace(SAFE, budget_spent=spent))

    assert sum(one.points == 20 for one in found.deductions) == 0
    assert len(found.deductions) == count


def test_knowing_nothing_is_not_safe() -> None:
    found = risk_score(RiskFacts())

    assert found.score == 50
    assert found.level is RiskLevel.HIGH
    assert {one.factor for one in found.deductions} == set(RiskFactor)


@pytest.mark.parametrize(
    ("score", "level"),
    [
        (100, "low"),
        (80, "low"),
        (79, "medium"),
        (60, "medium"),
        (59, "high"),
        (40, "high"),
        (39, "critical"),
        (0, "critical"),
    ],
)
def test_levels(score: int, level: str) -> None:
    assert risk_level(score) == level


FACTS = st.builds(
    RiskFacts,
    incidents=st.one_of(st.none(), st.dictionaries(st.sampled_from(Severity), st.integers(0, 20))),
    budget_spent=st.one_of(st.none(), st.floats(0, 5)),
    audit_denies=st.one_of(st.none(), st.integers(0, 1000)),
    overdue_jobs=st.one_of(st.none(), st.integers(0, 18)),
    unproven_gates=st.one_of(st.none(), st.integers(0, 5)),
)


@given(FACTS)
def test_score_is_a_hundred_less_the_deductions(facts: RiskFacts) -> None:
    found = risk_score(facts)

    assert found.score == max(0, 100 - sum(one.points for one in found.deductions))
    assert all(one.points > 0 for one in found.deductions)
    assert found.level is risk_level(found.score)


@given(FACTS, st.sampled_from(["audit_denies", "overdue_jobs", "unproven_gates"]), st.integers(1, 50))
def test_worse_is_never_safer(facts: RiskFacts, field: str, more: int) -> None:
    known = replace(facts, **{field: getattr(facts, field) or 0})

    worse = replace(known, **{field: getattr(known, field) + more})

    assert risk_score(worse).score <= risk_score(known).score


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"audit_denies": -1}, "audit_denies is -1"),
        ({"incidents": {Severity.P1: -1}}, "incidents of P1 is -1"),
        ({"budget_spent": float("nan")}, "budget_spent is nan"),
    ],
)
def test_impossible_facts_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        risk_score(replace(SAFE, **changes))  # type: ignore[arg-type]  # a table of single fields
