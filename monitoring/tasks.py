"""The Celery tasks of monitoring, and the one body that all 18 jobs share.

A job's work is registered beside its app's tasks with `@job_work(key)`; here each job gets its Celery task.
"""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from monitoring import worker  # noqa: F401  (importing connects the worker's heartbeat)
from monitoring.jobs import JOBS, Job
from monitoring.services import heartbeats, housekeeping, jobs
from tenancy.celery import ControlTask

# What a run needs after its soft limit to write down that it timed out.
_LAST_WORDS_S = 15


def _register(job: Job) -> None:
    # Not atomic by itself: `execute` takes and ends the run in transactions of its own.
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
