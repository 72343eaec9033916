"""How far a burn-in has come, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitoring.domain.burnin import BurnInState


class NextStep(StrEnum):
    """What a burn-in waits for."""

    START = "start"
    END = "end"
    REVIEW = "review"
    OVERDUE_REVIEW = "overdue review"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class BurnInProgress:
    """`day` completed days of `days`; `next_at` is when the next step is due, None after the review."""

    day: int
    days: int
    next_step: NextStep
    next_at: datetime | None


def progress_of(
    *, starts_at: datetime, ends_at: datetime, review_at: datetime, state: BurnInState, now: datetime
) -> BurnInProgress:
    """Return how a burn-in stands at `now`. A day counts when all its 24 hours have passed."""
    days = (ends_at - starts_at).days
    day = min(max((now - starts_at).days, 0), days)
    if state is BurnInState.REVIEWED:
        return BurnInProgress(day, days, NextStep.NOTHING, None)
    for step, at in ((NextStep.START, starts_at), (NextStep.END, ends_at), (NextStep.REVIEW, review_at)):
        if now < at:
            return BurnInProgress(day, days, step, at)
    return BurnInProgress(day, days, NextStep.OVERDUE_REVIEW, review_at)
