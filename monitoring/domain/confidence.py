"""How much availability a number of checks has demonstrated: the exact (Clopper-Pearson) one-sided bound.

The checks are taken as independent, each good with the same unknown probability. C. J. Clopper and E. S.
Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial", Biometrika 26
(1934).
"""

from __future__ import annotations

from math import ceil, exp, lgamma, log, log1p

MOST_CHECKS = 10**12


def lower_bound(*, checks: int, failures: int = 0, level: float = 0.95) -> float | None:
    """Return the availability that is demonstrated at confidence `level`, or None without any check.

    672 good checks demonstrate 0.99555 at 0.95. Raises ValueError for impossible counts or levels.
    """
    _require_counts(checks, failures)
    _require_inside("level", level)
    if checks == 0:
        return None
    if failures == checks:
        return 0.0
    if failures == 0:
        return exp(log1p(-level) / checks)
    return 1.0 - _failure_rate(checks, failures, level)


def probes_needed(objective: float, level: float = 0.95, failures: int = 0) -> int:
    """Return the least number of checks which, with `failures` bad ones, demonstrate `objective` at `level`.

    0.9998 at 0.95 needs 14,978 good ones. Raises ValueError where no practical number would do.
    """
    _require_inside("objective", objective)
    _require_inside("level", level)
    if failures < 0:
        raise ValueError(f"failures is {failures}; it must not be below zero")
    if failures == 0:
        return ceil(log1p(-level) / log(objective))
    refused, enough = failures, 2 * failures
    while not _demonstrates(enough, failures, objective, level):
        refused, enough = enough, 2 * enough
        if enough > MOST_CHECKS:
            raise ValueError(f"an objective of {objective} would need more than {MOST_CHECKS} checks")
    while enough - refused > 1:
        middle = (refused + enough) // 2
        if _demonstrates(middle, failures, objective, level):
            enough = middle
        else:
            refused = middle
    return enough


def _demonstrates(checks: int, failures: int, objective: float, level: float) -> bool:
    """Whether so few failures have at most the probability 1 - level at an availability of `objective`."""
    return few_failures_probability(checks, failures, 1.0 - objective) <= 1.0 - level


def _failure_rate(checks: int, failures: int, level: float) -> float:
    """Return the failure rate at which `failures` or fewer have the probability 1 - level, by bisection."""
    lower, upper = 0.0, 1.0
    while True:
        middle = (lower + upper) / 2
        if not lower < middle < upper:
            return upper
        if few_failures_probability(checks, failures, middle) > 1.0 - level:
            lower = middle
        else:
            upper = middle


def few_failures_probability(checks: int, failures: int, rate: float) -> float:
    """Return the binomial probability that at most `failures` of `checks` fail, each with probability `rate`.

    It is the regularised incomplete beta function I_(1-rate)(checks - failures, failures + 1), DLMF 8.17.5.
    """
    _require_counts(checks, failures)
    if not 0.0 <= rate <= 1.0:
        raise ValueError(f"rate is {rate}; it must lie from 0 to 1")
    if failures >= checks or rate == 0.0:
        return 1.0
    if rate == 1.0:
        return 0.0
    good, bad = checks - failures, failures + 1
    scale = lgamma(good + bad) - lgamma(good) - lgamma(bad) + good * log1p(-rate) + bad * log(rate)
    if rate > (bad + 1) / (good + bad + 2):
        return exp(scale) * _continued_fraction(good, bad, 1.0 - rate) / good
    return min(1.0, max(0.0, 1.0 - exp(scale) * _continued_fraction(bad, good, rate) / bad))


def _continued_fraction(a: float, b: float, x: float) -> float:
    """Return the continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method."""
    tiny = 1e-300
    denominator = 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1.0), tiny)
    numerator, value = 1.0, denominator
    for step in range(1, 100_000):
        even = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        for coefficient in (even, odd):
            denominator = 1.0 / _away_from_zero(1.0 + coefficient * denominator, tiny)
            numerator = _away_from_zero(1.0 + coefficient / numerator, tiny)
            value *= denominator * numerator
        if abs(denominator * numerator - 1.0) < 1e-15:
            return value
    raise ArithmeticError(f"the incomplete beta function did not converge for a={a}, b={b}, x={x}")


def _away_from_zero(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny


def _require_counts(checks: int, failures: int) -> None:
    if not 0 <= failures <= checks:
        raise ValueError(f"{failures} failures in {checks} checks cannot be; give from 0 to {checks}")


def _require_inside(name: str, value: float) -> None:
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name} is {value}; it must lie between 0 and 1, such as 0.95")
