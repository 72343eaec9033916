"""What workers do for monitoring: each task reads the clock, calls one service and says what it did.

All 18 jobs share one body; a job's work is registered beside its app's tasks with `@job_work(key)`.
"""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from monitoring import worker  # noqa: F401  (importing connects the worker's heartbeat)
from monitoring.domain.alerting import RuleKind
from monitoring.domain.delivery import ChannelName
from monitoring.domain.observing import Source
from monitoring.domain.runs import JobResult
from monitoring.jobs import JOBS, Job
from monitoring.models import JobRun
from monitoring.services import deliveries, heartbeats, housekeeping, jobs, publishing
from monitoring.services.alerts import evaluate_alerts
from monitoring.services.burn_ins import advance_burn_in
from monitoring.services.incident_watch import watch_incidents
from monitoring.services.probing import batches, claim_due, probe_endpoints
from monitoring.services.routine import keep_routine
from monitoring.services.slo import evaluate_slos
from monitoring.services.synthetic import sweep
from monitoring.services.verdicts import store_on_change
from monitoring.services.work import job_work
from tenancy.celery import ControlTask

# What a run needs after its soft limit to write down that it timed out.
_LAST_WORDS_S = 15


def _register(job: Job) -> None:
    @shared_task(
        name=job.task,
        base=ControlTask,
        soft_time_limit=job.time_limit - _LAST_WORDS_S,
        time_limit=job.time_limit,
    )
    def run(run_id: int) -> str:
        return jobs.execute(run_id)


for _job in JOBS.values():
    _register(_job)


@shared_task(name="monitoring.tasks.canary", base=ControlTask)
def canary() -> None:
    """Proves the way from beat to the database."""
    heartbeats.sing()


@shared_task(name="monitoring.tasks.housekeeping", base=ControlTask)
def keep_house() -> str:
    """Partitions ahead, retention behind."""
    return housekeeping.keep_house(timezone.now())


@shared_task(name="monitoring.tasks.verdict_watch", base=ControlTask, expires=55)
def verdict_watch() -> str:
    """A burn-in begins when it is time; a verdict that says something else is stored."""
    now = timezone.now()
    advance_burn_in(now=now)
    stored = store_on_change(now=now)
    return f"verdict {stored.number}: {stored.decision}" if stored else "the verdict stands"


@shared_task(name="monitoring.tasks.routine", base=ControlTask, expires=55)
def routine() -> str:
    """The daily check and the checkpoint, when their hour has come."""
    return keep_routine(now=timezone.now())


@shared_task(name="monitoring.tasks.publish_report", base=ControlTask, time_limit=300)
def publish_report(*, actor: str) -> str:
    """The burn-in report to Notion and Slack."""
    done = publishing.publish_report(now=timezone.now(), actor=actor)
    return "; ".join(str(one) for one in done)


@shared_task(name="monitoring.tasks.probe_tick", base=ControlTask, expires=5)
def probe_tick() -> str:
    """Claim what is due and hand it on in batches."""
    claimed = claim_due(now=timezone.now())
    for ids in batches(claimed):
        probe_batch.delay(endpoint_ids=ids)
    return f"{len(claimed)} endpoints due"


@shared_task(name="monitoring.tasks.probe_batch", base=ControlTask, expires=60)
def probe_batch(*, endpoint_ids: list[int]) -> str:
    """Probe a batch at once and record it."""
    probed, flips = probe_endpoints(endpoint_ids, source=Source.MONITOR)
    return f"{len(probed)} probed, {len(flips)} changes of standing"


# Not atomic: each rule is a transaction of its own, and evaluating twice changes nothing.
@job_work("alert_checks", atomic=False)
def alert_checks(run: JobRun) -> JobResult:
    """Evaluate every alert rule."""
    evaluation = evaluate_alerts(now=timezone.now())
    return (JobResult.findings if evaluation.firing else JobResult.ok)(evaluation.sentence)


@job_work("slo_monitoring")
def slo_monitoring(run: JobRun) -> JobResult:
    """Evaluate every SLO."""
    result = evaluate_slos(now=timezone.now())
    return (JobResult.findings if result.broken else JobResult.ok)(result.sentence)


# Not atomic: it calls the outside; a sweep too many is only more observations.
@job_work("synthetic_checks", atomic=False)
def synthetic_checks(run: JobRun) -> JobResult:
    """Probe everything in full, and see that the dense prober lives."""
    report = sweep(now=timezone.now())
    return (JobResult.findings if report.findings else JobResult.ok)(report.sentence)


@shared_task(name="monitoring.tasks.urgent_alerts", base=ControlTask, expires=30)
def urgent_alerts() -> str:
    """Evaluate the rules that look at moments."""
    now = timezone.now()
    return evaluate_alerts(now=now, kinds=(RuleKind.ENDPOINT_DOWN, RuleKind.SERVER_ERRORS)).sentence


@shared_task(name="monitoring.tasks.incident_watch", base=ControlTask, expires=15)
def incident_watch() -> str:
    """Open the incidents that nobody need decide about."""
    return watch_incidents(now=timezone.now()).sentence


@shared_task(name="monitoring.tasks.notices_tick", base=ControlTask, expires=5)
def notices_tick() -> str:
    """Hand each channel that has something to send to a worker of its own: none waits for another."""
    waiting = deliveries.channels_waiting()
    for channel in waiting:
        deliver_notices.delay(channel=channel.value)
    return f"{len(waiting)} channels have something to send"


@shared_task(name="monitoring.tasks.deliver_notices", base=ControlTask, expires=10)
def deliver_notices(*, channel: str) -> str:
    """Send what waits in one channel."""
    done = deliveries.deliver(ChannelName(channel))
    return f"{channel}: {done.sent} sent, {done.failed} given up, {done.put_off} put off"
