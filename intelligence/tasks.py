"""What workers do for the intelligence: each task reads the clock, calls one service and says what it did."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from intelligence.services import alert_actions, cycle, insights, scaling
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


@job_work("retention_metrics", atomic=False)
def retention_metrics(run: JobRun) -> JobResult:
    """Active users of the completed day."""
    return JobResult.ok(insights.write_retention(timezone.now()))


@job_work("growth_by_source", atomic=False)
def growth_by_source(run: JobRun) -> JobResult:
    """Thirty days by source."""
    return JobResult.ok(insights.write_sources(timezone.now()))


@job_work("cost_forecast", atomic=False)
def cost_forecast(run: JobRun) -> JobResult:
    """The next thirty days of cost."""
    return JobResult.ok(insights.forecast_costs(timezone.now()))


@job_work("ai_insights", atomic=False)
def ai_insights(run: JobRun) -> JobResult:
    """Forecasts, recommendations, risk."""
    return JobResult.ok(insights.write_insights(timezone.now()))
