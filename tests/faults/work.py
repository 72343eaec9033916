"""Work whose effect can be counted, for workers that are killed while they do it."""

from __future__ import annotations

import os
import time
from typing import Any

from celery import signals
from django.utils import timezone

from monitoring.domain.runs import JobResult
from monitoring.models import CostEntry, JobRun
from monitoring.services import work


def _spend_slowly(run: JobRun) -> JobResult:
    CostEntry.objects.create(
        day=run.scheduled_for.date(),
        service=f"run {run.pk}",
        amount=1,
        kind="fixed",
        source=f"by {timezone.now()}",
    )
    time.sleep(float(os.environ.get("LEVQOR_TEST_WORK_S", "0")))
    return JobResult.ok("spent")


def _die(run: JobRun) -> JobResult:
    os.kill(os.getpid(), 9)
    return JobResult.ok("never said")


@signals.worker_ready.connect
def put_in_place(**kwargs: Any) -> None:
    """After every app has registered its own work."""
    work._WORK["kv_cost_sync"] = work.Work(_spend_slowly, atomic=True)
    work._WORK["scaling_check"] = work.Work(_die, atomic=True)


# A pool's children are forked before the worker is ready.
signals.worker_process_init.connect(put_in_place)
