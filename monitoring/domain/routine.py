"""The hours of the routine, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

DAILY_HOUR = time(9, tzinfo=UTC)


def daily_check_due(now: datetime) -> bool:
    """Whether it is 09:00 UTC or later on the day of `now`."""
    return now.astimezone(UTC).timetz() >= DAILY_HOUR


def checkpoint_due(starts_at: datetime, ends_at: datetime) -> datetime:
    """09:00 UTC of the last day of a burn-in: with the seed's dates 18 November 2025, 09:00.

    The last such hour before its end; never before its beginning, for a burn-in of hours.
    """
    end = ends_at.astimezone(UTC)
    due = datetime.combine(end.date(), DAILY_HOUR)
    if due > end:
        due -= timedelta(days=1)
    return max(due, starts_at.astimezone(UTC))
