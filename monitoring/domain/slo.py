"""Error budgets and burn rates. Objectives are ratios (0.999), times are seconds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """What an objective allows to be bad in a window, and what is left of it (below zero once overspent)."""

    budget_s: float
    consumed_s: float

    @property
    def remaining_s(self) -> float:
        """Budget less consumption, in seconds, signed."""
        return self.budget_s - self.consumed_s

    @property
    def remaining_pct(self) -> float:
        """What remains, in percent of the budget, signed."""
        return 100 * self.remaining_s / self.budget_s


def error_budget(*, bad_s: float, total_s: float, objective: float) -> ErrorBudget | None:
    """Return the error budget over `total_s` seconds, `bad_s` of them bad; None (no data) for no time.

    Negative bad time (a clock set back) consumes nothing. Raises ValueError unless 0 < objective < 1.
    """
    allowed = allowed_failure(objective)
    _require_total(total_s)
    if total_s == 0:
        return None
    return ErrorBudget(budget_s=total_s * allowed, consumed_s=max(0.0, bad_s))


def burn_rate(*, bad: float, total: float, objective: float) -> float | None:
    """Return how many times faster than allowed the budget is spent (1: just used up at the window's end).

    `bad` and `total` are in the same unit, seconds or events; `total` is the full length of the measuring
    window, never the age of its oldest row, lest a young endpoint page for nothing. None (no data) where
    `total` is 0.
    """
    allowed = allowed_failure(objective)
    _require_total(total)
    if total == 0:
        return None
    return max(0.0, bad) / (total * allowed)


def error_rate(*, bad: int, total: int) -> float | None:
    """Return the share of bad observations, None (no data) where there is none."""
    if not 0 <= bad <= total:
        raise ValueError(f"{bad} bad of {total} observations cannot be; bad must lie from 0 to total")
    return bad / total if total else None


def allowed_failure(objective: float) -> float:
    """Return 1 - objective without binary dust (0.99 allows 0.01, not 0.010000000000000009)."""
    if not 0 < objective < 1:
        raise ValueError(
            f"an objective of {objective} cannot be; give a ratio between 0 and 1, 0.999 for 99.9 %"
        )
    return float(1 - Decimal(repr(float(objective))))


def _require_total(total: float) -> None:
    if total < 0:
        raise ValueError(f"a total of {total} cannot be; it must not be below zero")
