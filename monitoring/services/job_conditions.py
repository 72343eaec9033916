"""Which jobs are late or failed, from the ledger and the schedule rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitoring.domain.runs import Outcome, RunState
from monitoring.domain.schedules import BadSchedule, is_overdue
from monitoring.jobs import JOBS, Job
from monitoring.models import JobRun
from monitoring.services.schedules import ScheduleRow, read_schedule_rows

# A run that nobody has begun for so long after its slot is late.
LATE_AFTER = timedelta(minutes=2)
_ENDED = (RunState.DONE.value, RunState.DEAD.value)
_FAILED = {Outcome.ERROR.value, Outcome.TIMED_OUT.value, Outcome.MISSED.value}


@dataclass(frozen=True, slots=True)
class JobCondition:
    """How one job stands; `bad` None = not known: it was switched off, or has not been due yet."""

    key: str
    name: str
    bad: bool | None
    sentence: str


def job_conditions(now: datetime) -> list[JobCondition]:
    """How each of the 18 jobs stands at `now`, in the order of the table. Three queries.

    Bad = its newest ended run failed, timed out, was given up or missed; or a run waits for longer than two
    minutes; or more than one slot has passed without any run. The next run that succeeds makes it good again.
    """
    ended = {run.job: run for run in JobRun.objects.filter(state__in=_ENDED).latest_of_each()}
    waiting: dict[str, JobRun] = {}
    for run in JobRun.objects.owed():
        waiting.setdefault(run.job, run)
    rows = read_schedule_rows()
    return [
        _condition(job, ended.get(job.key), waiting.get(job.key), rows.get(job.key), now)
        for job in JOBS.values()
    ]


def _condition(
    job: Job, last: JobRun | None, waiting: JobRun | None, row: ScheduleRow | None, now: datetime
) -> JobCondition:
    if row is None or not row.enabled:
        return JobCondition(job.key, job.name, None, f"{job.name} is switched off.")
    if last is not None and (last.state == RunState.DEAD.value or last.outcome in _FAILED):
        how = last.outcome.replace("_", " ")
        return JobCondition(
            job.key, job.name, True, f"{job.name}, {_slot(last)}: {how}. {last.summary}".strip()
        )
    if waiting is not None and _is_late(waiting, now):
        return JobCondition(job.key, job.name, True, f"{job.name}, {_slot(waiting)}: nobody has begun it.")
    anchor = max([run.scheduled_for for run in (last, waiting) if run is not None], default=row.date_changed)
    try:
        overdue = is_overdue(row.schedule or job.schedule, max(anchor, row.start_time or anchor), now)
    except BadSchedule as error:
        return JobCondition(job.key, job.name, True, f"{job.name} cannot be scheduled: {error}")
    if overdue:
        since = f"{anchor:%Y-%m-%d %H:%M} UTC"
        return JobCondition(job.key, job.name, True, f"{job.name} has not run since {since}.")
    if last is None:
        return JobCondition(job.key, job.name, None, f"{job.name} has no finished run.")
    return JobCondition(job.key, job.name, False, f"{job.name}, {_slot(last)}: {last.outcome}.")


def _is_late(run: JobRun, now: datetime) -> bool:
    waits_since = max(run.scheduled_for, run.created_at)
    return run.state == RunState.PENDING.value and now - waits_since > LATE_AFTER


def _slot(run: JobRun) -> str:
    return f"slot {run.scheduled_for:%Y-%m-%d %H:%M} UTC"
