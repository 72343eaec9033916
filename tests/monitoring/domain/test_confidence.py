"""The availability that a number of checks has demonstrated."""

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain import confidence
from monitoring.domain.confidence import few_failures_probability, probes_needed


def lower_bound(**counts):
    """The bound itself, where there is one by the counts."""
    bound = confidence.lower_bound(**counts)
    assert bound is not None
    return bound


def exact_probability(checks, failures, rate):
    """The binomial sum in exact fractions: slow, and independent of the beta function."""
    bad = Fraction(rate)
    return sum(comb(checks, k) * bad**k * (1 - bad) ** (checks - k) for k in range(failures + 1))


@pytest.mark.parametrize(
    ("checks", "failures", "level", "expected"),
    [
        (672, 0, 0.95, 0.9955519869),
        (14_978, 0, 0.95, 0.9998000089),
        (59, 0, 0.95, 0.9504923901),
        (1, 0, 0.95, 0.05),
        (10, 10, 0.95, 0.0),
        # Solved once by bisection of the binomial sum in exact fractions.
        (10, 1, 0.95, 0.6058367),
        (100, 1, 0.95, 0.9534402),
        (100, 5, 0.95, 0.8977466),
        (100, 1, 0.99, 0.9354573),
    ],
)
def test_lower_bound_gives_known_values(checks, failures, level, expected):
    assert lower_bound(checks=checks, failures=failures, level=level) == pytest.approx(expected, abs=1e-7)


def test_lower_bound_of_no_check_is_no_data():
    assert confidence.lower_bound(checks=0) is None


@pytest.mark.parametrize(
    ("objective", "level", "failures", "expected"),
    [
        (0.9998, 0.95, 0, 14_978),
        (0.999, 0.95, 0, 2_995),
        (0.99, 0.95, 0, 299),
        (0.95, 0.95, 0, 59),
        (0.5, 0.75, 0, 2),
        (0.95, 0.95, 1, 93),
        (0.99, 0.95, 1, 473),
        (0.95, 0.95, 2, 124),
    ],
)
def test_probes_needed_gives_known_values(objective, level, failures, expected):
    assert probes_needed(objective, level, failures) == expected


@given(st.integers(1, 300), st.integers(0, 300), st.floats(0.5, 0.999))
def test_lower_bound_solves_the_exact_binomial(checks, failures, level):
    failures = min(failures, checks - 1)

    bound = lower_bound(checks=checks, failures=failures, level=level)

    assert float(exact_probability(checks, failures, 1 - bound)) == pytest.approx(1 - level, rel=1e-6)


@given(st.floats(0.5, 0.9999), st.floats(0.5, 0.99), st.integers(0, 12))
def test_probes_needed_is_the_least_number_that_demonstrates(objective, level, failures):
    needed = probes_needed(objective, level, failures)

    assert lower_bound(checks=needed, failures=failures, level=level) >= objective - 1e-12
    if needed - 1 > failures:
        assert lower_bound(checks=needed - 1, failures=failures, level=level) <= objective + 1e-12


@given(st.integers(2, 5000), st.data())
def test_more_failures_demonstrate_less_and_more_checks_more(checks, data):
    failures = data.draw(st.integers(0, checks - 1))

    bound = lower_bound(checks=checks, failures=failures)

    assert bound >= lower_bound(checks=checks, failures=failures + 1)
    assert bound <= lower_bound(checks=checks + 1, failures=failures)
    assert bound <= 1 - failures / checks


@pytest.mark.parametrize(("checks", "failures"), [(1_000_000, 100), (5_000_000, 60_000)])
def test_lower_bound_of_millions_of_checks_solves_its_equation(checks, failures):
    bound = lower_bound(checks=checks, failures=failures)

    assert few_failures_probability(checks, failures, 1 - bound) == pytest.approx(0.05, rel=1e-6)
    assert bound == pytest.approx(1 - failures / checks, rel=1e-3)


@pytest.mark.parametrize(
    ("checks", "failures", "rate", "expected"),
    [(5, 5, 0.3, 1), (5, 2, 0.0, 1), (5, 2, 1.0, 0), (2, 0, 0.5, 0.25), (2, 1, 0.5, 0.75)],
)
def test_few_failures_probability_at_the_edges(checks, failures, rate, expected):
    assert few_failures_probability(checks, failures, rate) == pytest.approx(expected, abs=1e-15)


def test_few_failures_probability_would_rather_fail_than_guess():
    with pytest.raises(ArithmeticError, match="did not converge"):
        few_failures_probability(10**24, 5 * 10**23, 0.5)


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: lower_bound(checks=3, failures=4), "4 failures in 3 checks"),
        (lambda: lower_bound(checks=3, failures=-1), "-1 failures in 3 checks"),
        (lambda: lower_bound(checks=3, level=95), "level is 95"),
        (lambda: probes_needed(1.0), "objective is 1.0"),
        (lambda: probes_needed(0.99, 0.0), "level is 0.0"),
        (lambda: probes_needed(0.99, failures=-1), "failures is -1"),
        (lambda: probes_needed(1 - 1e-13, failures=1), "more than"),
        (lambda: few_failures_probability(3, 1, 1.5), "rate is 1.5"),
    ],
)
def test_impossible_questions_are_refused(call, complaint):
    with pytest.raises(ValueError, match=complaint):
        call()
