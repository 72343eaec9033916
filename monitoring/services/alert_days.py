"""On which days an alert was firing, as far as anybody looked."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django.db.models import Count
from django.db.models.functions import TruncDay, TruncHour

from monitoring.domain.runs import Outcome, RunState
from monitoring.domain.windows import Window
from monitoring.models import AlertEpisode, JobRun

_EVALUATING_JOB = "alert_checks"
_LOOKED = (Outcome.OK.value, Outcome.FINDINGS.value)


def alerts_by_day(span: Window, now: datetime, *, least_evaluated: float) -> dict[date, bool]:
    """Whether an alert that pauses API days was firing, by UTC day; a missing day is one that nobody knows.

    Firing at one moment is enough; acknowledged and silenced alerts are firing too. A day without any counts
    as known when the rules were evaluated in at least the share `least_evaluated` of its hours that have gone
    by: rules look back an hour. Two queries.
    """
    evaluated = evaluated_hours(span, now)
    episodes = list(
        AlertEpisode.objects.touching(span.start, span.end)
        .filter(pauses_api_days=True, fired_at__lte=now)
        .values_list("fired_at", "resolved_at")
    )
    found: dict[date, bool] = {}
    for day in span.days():
        window = Window.utc_day(day)
        end = min(window.end, now)
        if end <= window.start:
            continue
        if any(fired < end and (over is None or over > window.start) for fired, over in episodes):
            found[day] = True
        elif evaluated.get(day, 0) >= least_evaluated * ((end - window.start) / timedelta(hours=1)):
            found[day] = False
    return found


def evaluated_hours(span: Window, now: datetime) -> dict[date, int]:
    """In how many hours of each UTC day the rules were evaluated."""
    rows = (
        JobRun.objects.filter(
            job=_EVALUATING_JOB,
            state=RunState.DONE.value,
            outcome__in=_LOOKED,
            scheduled_for__gte=span.start,
            scheduled_for__lt=span.end,
            # A replay of an earlier moment leaves out what was looked at since.
            finished_at__lte=now,
        )
        .annotate(day=TruncDay("scheduled_for", tzinfo=UTC), hour=TruncHour("scheduled_for", tzinfo=UTC))
        .values("day")
        .annotate(hours=Count("hour", distinct=True))
        .values_list("day", "hours")
        .order_by("day")
    )
    return {day.date(): hours for day, hours in rows}
