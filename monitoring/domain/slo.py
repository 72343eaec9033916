"""Error budgets and burn rates. Objectives are ratios (0.999), times are seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from monitoring.domain.windows import Window, calendar_month


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


class SliKind(StrEnum):
    """What an SLO measures: time up, observations answered well, or observations answered in time."""

    AVAILABILITY = "availability"
    ERROR_RATE = "error_rate"
    LATENCY = "latency"


class SloPeriod(StrEnum):
    """The time over which an SLO is kept: the past days, rolling, or the UTC calendar month."""

    ROLLING_7D = "7d"
    ROLLING_28D = "28d"
    ROLLING_30D = "30d"
    CALENDAR_MONTH = "month"

    @property
    def label(self) -> str:
        """As people read it."""
        return "calendar month" if self is SloPeriod.CALENDAR_MONTH else f"{self.value[:-1]} days, rolling"

    def window(self, now: datetime) -> Window:
        """The window that `now` (UTC) asks about. That of a month is whole: its end lies ahead."""
        if self is SloPeriod.CALENDAR_MONTH:
            return calendar_month(now, UTC)
        return Window.trailing(now, timedelta(days=int(self.value[:-1])))


class SloStanding(StrEnum):
    """How the budget of an SLO stands."""

    HEALTHY = "healthy"
    AT_RISK = "at_risk"
    EXHAUSTED = "exhausted"
    # Nothing is known: not the same as healthy.
    NO_DATA = "no_data"


# In percent of the budget left. A standing is left only with a margin, lest it flutters at the edge.
AT_RISK_PCT = 20.0
HEALTHY_AGAIN_PCT = 25.0
SPENT_PCT = 0.0
NOT_SPENT_AGAIN_PCT = 2.0

# An SLO is looked at so often; whatever must be said in time must be said one look earlier.
EVALUATION_S = 300.0


def standing_after(before: SloStanding, remaining_pct: float | None) -> SloStanding:
    """Return the standing that follows `before` with so much of the budget left; None left: NO_DATA."""
    if remaining_pct is None:
        return SloStanding.NO_DATA
    if remaining_pct <= SPENT_PCT:
        return SloStanding.EXHAUSTED
    if before is SloStanding.EXHAUSTED and remaining_pct < NOT_SPENT_AGAIN_PCT:
        return SloStanding.EXHAUSTED
    if before in (SloStanding.EXHAUSTED, SloStanding.AT_RISK):
        return SloStanding.HEALTHY if remaining_pct >= HEALTHY_AGAIN_PCT else SloStanding.AT_RISK
    return SloStanding.HEALTHY if remaining_pct > AT_RISK_PCT else SloStanding.AT_RISK


def silence_allowed_s(*, remaining_s: float, hold_s: float) -> float:
    """Return after how many seconds without data an alert is due.

    Unseen, all of that time may have been bad, so half of what is left of the budget may go by unseen, and
    never so much that the next evaluation would come after its end. One observation speaks for `hold_s`:
    what is younger than that is no silence.
    """
    return max(hold_s, min(remaining_s / 2, remaining_s - EVALUATION_S))
