"""Small makers of runs and of work for the ledger's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models.functions import Now

from monitoring.domain.runs import JobResult
from monitoring.models import JobRun
from monitoring.services import work
from monitoring.services.work import Work

SLOT = datetime(2026, 5, 4, 9, tzinfo=UTC)


def make_run(job: str = "kv_cost_sync", at: datetime = SLOT, **fields: Any) -> JobRun:
    """A run that is owed, unless the fields say otherwise."""
    run = JobRun.objects.create(job=job, scheduled_for=at, **{"created_at": Now(), **fields})
    run.refresh_from_db()
    return run


def make_running(job: str = "kv_cost_sync", *, lease_s: float, started_s: float = 1, **fields: Any) -> JobRun:
    """A run that a worker took `started_s` ago and holds for `lease_s` more seconds."""
    taken = {
        "state": "running",
        "attempt": 1,
        "worker": "elsewhere:1",
        "started_at": Now() - timedelta(seconds=started_s),
        "lease_until": Now() + timedelta(seconds=lease_s),
    }
    return make_run(job, **{**taken, **fields})


@contextmanager
def working(
    function: Callable[[JobRun], JobResult], *, key: str = "kv_cost_sync", atomic: bool = True
) -> Iterator[None]:
    """`function` as the work of job `key`, for the length of the block."""
    before = work._WORK.get(key)
    work._WORK[key] = Work(function, atomic)
    try:
        yield
    finally:
        del work._WORK[key]
        if before:
            work._WORK[key] = before
