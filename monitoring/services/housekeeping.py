"""Partitions ahead, retention behind, and what costs the same every day."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction

from monitoring.models import JobRun
from monitoring.services import heartbeats
from monitoring.services.costs import accrue_fixed_costs
from monitoring.services.slo import EVALUATIONS_KEPT, forget_evaluations

PROBE_ROWS_KEPT = timedelta(days=90)
# Runs are evidence of what was watched and when; they go with the growth aggregates.
RUNS_KEPT = timedelta(days=730)
_AHEAD = timedelta(days=7)


def keep_house(now: datetime) -> str:
    """This will make the log's partitions for a week, drop what is past its time, and write fixed costs.

    Needs the control plane's scope. Returns a sentence for the log.
    """
    today = now.date()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT ensure_health_partitions(%s, %s)", [today, today + _AHEAD])
        made = cursor.fetchone()[0]
        cursor.execute("SELECT drop_health_partitions(%s)", [today - PROBE_ROWS_KEPT])
        dropped = cursor.fetchone()[0]
    with transaction.atomic():
        runs, _ = JobRun.objects.filter(scheduled_for__lt=now - RUNS_KEPT).delete()
    evaluations = forget_evaluations(before=now - EVALUATIONS_KEPT)
    workers = heartbeats.forget_the_dead()
    costs = accrue_fixed_costs(now=now)
    return (
        f"{made} partitions made, {dropped} dropped; {runs} runs, {evaluations} SLO evaluations "
        f"and {workers} silent workers forgotten; "
        f"{costs} fixed costs written"
    )
