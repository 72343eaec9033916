"""Runs jobs: in a worker, now, or for a slot that somebody names."""

from __future__ import annotations

import logging
import os
import socket
import threading
from datetime import datetime

from billiard.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from monitoring.domain.runs import JobResult, Outcome, RunState, Trigger
from monitoring.jobs import Job
from monitoring.models import JobRun
from monitoring.services import ledger
from monitoring.services.work import Work, work_of
from tenancy.context import control_scope, enter

logger = logging.getLogger(__name__)

NOT_BUILT = "not built yet"


def this_worker() -> str:
    """The name of the executing process and thread, as the ledger shows it."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.current_thread().name}"[:100]


def run_now(job: Job, *, by: str, now: datetime, trigger: Trigger = Trigger.PERSON) -> JobRun:
    """This will owe one run of `job`, outside its schedule. The next sweep sends it, within about a second.

    Nothing is sent from here: a web request must not wait for a broker.
    """
    with transaction.atomic():
        return JobRun.objects.create(
            job=job.key,
            scheduled_for=now,
            trigger=trigger.value,
            created_at=Now(),
            requested_by=by[:150],
        )


def run_for_slot(job: Job, *, at: datetime, by: str) -> JobRun:
    """This will owe the run of `job` for the slot `at`, unless that slot has been run. Idempotent.

    A slot that was missed has had no effect yet and is opened again.
    """
    with transaction.atomic():
        run, _ = JobRun.objects.get_or_create(
            job=job.key,
            scheduled_for=at,
            defaults={"trigger": Trigger.COMMAND.value, "created_at": Now(), "requested_by": by[:150]},
        )
        JobRun.objects.filter(Q(pk=run.pk), outcome=Outcome.MISSED.value).update(
            state=RunState.PENDING.value,
            outcome="",
            summary="",
            finished_at=None,
            published_at=None,
            created_at=Now(),
            trigger=Trigger.COMMAND.value,
            requested_by=by[:150],
        )
        run.refresh_from_db()
        return run


def execute(run_id: int, *, worker: str = "") -> str:
    """This will do the work of one owed run and write down how it ended; a sentence for the log.

    A run that is taken, done or gone is left alone. A job that fails is written down and raises. Work that
    the loss of the database interrupted is owed again, up to three attempts.
    """
    with enter(control_scope("jobs")):
        run = ledger.claim(run_id, worker=worker or this_worker())
        if run is None:
            return f"run {run_id} is not owed"
        with ledger.holding(run):
            return _work_off(run)


def _work_off(run: JobRun) -> str:
    work = work_of(run.job)
    try:
        result = _do(work, run) if work else _do(Work(_not_built, atomic=True), run)
    except ledger.LostRun as lost:
        logger.warning("%s", lost)
        return str(lost)
    except (OperationalError, InterfaceError) as error:
        _renew_connection()
        if not ledger.hand_back(run):
            _close(run, Outcome.ERROR, error)
        raise
    except SoftTimeLimitExceeded as error:
        _close(run, Outcome.TIMED_OUT, error)
        raise
    except Exception as error:
        _close(run, Outcome.ERROR, error)
        raise
    return f"{run.job}: {result.outcome}: {result.summary}"


def _do(work: Work, run: JobRun) -> JobResult:
    if work.atomic:
        with transaction.atomic():
            result = work.function(run)
            ledger.finish(run, result)
    else:
        result = work.function(run)
        ledger.finish(run, result)
    return result


def _renew_connection() -> None:
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def _close(run: JobRun, outcome: Outcome, error: Exception) -> None:
    _renew_connection()
    try:
        ledger.finish(run, JobResult(outcome, f"{type(error).__name__}: {error}"))
    except ledger.LostRun as lost:
        logger.warning("%s", lost)


def _not_built(run: JobRun) -> JobResult:
    return JobResult.skipped(NOT_BUILT)
