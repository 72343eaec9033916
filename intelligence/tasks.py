"""What workers do for the intelligence: each task reads the clock, calls one service and says what it did."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from intelligence.services import alert_actions, cycle, scaling
from monitoring.domain.runs import JobResult
from monitoring.models import JobRun
from monitoring.services.work import job_work
from tenancy.celery import ControlTask


@shared_task(name="intelligence.tasks.note_alerts", base=ControlTask, expires=60)
def note_alerts() -> str:
    """Remember each alert as an action."""
    return f"{alert_actions.note_alerts()} alerts noted"


@job_work("intelligence_cycle", atomic=False)
def intelligence_cycle(run: JobRun) -> JobResult:
    """Collect, detect, heal, decide."""
    report = cycle.run_cycle(timezone.now())
    found = report.events or report.actions
    return JobResult.findings(report.summary) if found else JobResult.ok(report.summary)


@job_work("scaling_check", atomic=False)
def scaling_check(run: JobRun) -> JobResult:
    """Decide whether to run more workers, fewer, or neither."""
    row = scaling.check_scaling(timezone.now())
    return JobResult.ok(f"{row.choice}: {' '.join(row.reasons)}")
