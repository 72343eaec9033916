from datetime import UTC, datetime, timedelta

import pytest

from monitoring.domain.burnin import BurnInState
from monitoring.domain.burnin_days import NextStep, progress_of

# The seed's burn-in.
STARTS = datetime(2025, 11, 11, 16, tzinfo=UTC)
ENDS = datetime(2025, 11, 18, 16, tzinfo=UTC)
REVIEW = datetime(2025, 11, 24, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "day", "step", "at"),
    [
        (STARTS - timedelta(days=2), 0, NextStep.START, STARTS),
        (STARTS, 0, NextStep.END, ENDS),
        (STARTS + timedelta(hours=23, minutes=59), 0, NextStep.END, ENDS),
        (STARTS + timedelta(days=1), 1, NextStep.END, ENDS),
        (ENDS - timedelta(seconds=1), 6, NextStep.END, ENDS),
        (ENDS, 7, NextStep.REVIEW, REVIEW),
        (REVIEW, 7, NextStep.OVERDUE_REVIEW, REVIEW),
        (REVIEW + timedelta(days=30), 7, NextStep.OVERDUE_REVIEW, REVIEW),
    ],
)
def test_progress_counts_completed_days_and_says_what_is_next(now, day, step, at):
    progress = progress_of(
        starts_at=STARTS, ends_at=ENDS, review_at=REVIEW, state=BurnInState.RUNNING, now=now
    )

    assert (progress.day, progress.days) == (day, 7)
    assert (progress.next_step, progress.next_at) == (step, at)


def test_a_reviewed_burn_in_waits_for_nothing():
    progress = progress_of(
        starts_at=STARTS, ends_at=ENDS, review_at=REVIEW, state=BurnInState.REVIEWED, now=REVIEW
    )

    assert (progress.next_step, progress.next_at) == (NextStep.NOTHING, None)
