"""The pages of job runs: what ran, when, how it ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from monitoring.jobs import JOBS
from monitoring.models import JobRun
from monitoring.services.jobs import run_now
from tenancy.admin.scoped import ScopedAdmin


class LedgerAdmin(ScopedAdmin):
    """Pages of what the scheduler keeps: nobody adds to it here, and running a job needs a right of its own."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_run_job_permission(self, request: HttpRequest) -> bool:
        """May this person run jobs? Asked by the actions that declare `run_job`."""
        return self.in_reach() and request.user.has_perm("monitoring.run_job")


def run_each_now(request: HttpRequest, keys: set[str], to: LedgerAdmin) -> None:
    """This will owe one run of each job in `keys` and tell the person."""
    jobs = [JOBS[key] for key in JOBS if key in keys]
    now = timezone.now()
    for job in jobs:
        run_now(job, by=request.user.get_username(), now=now)
    if jobs:
        names = ", ".join(job.name for job in jobs)
        to.message_user(request, f"To be run within seconds: {names}.", messages.SUCCESS)
    if keys - set(JOBS):
        others = ", ".join(sorted(keys - set(JOBS)))
        to.message_user(request, f"Not one of the 18 jobs, so not run: {others}.", messages.WARNING)


def in_words(length: timedelta | None) -> str:
    """A length as people read it: `0.4 s`, `2 min 5 s`; a dash when it is not known."""
    if length is None:
        return "–"
    seconds = length.total_seconds()
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


@admin.register(JobRun)
class JobRunAdmin(LedgerAdmin):
    """Read-only: the ledger is written by the portal itself."""

    list_display = (
        "scheduled_for",
        "job_name",
        "ended",
        "summary",
        "took",
        "late",
        "attempt",
        "trigger",
        "worker",
    )
    list_filter = ("outcome", "state", "trigger")
    search_fields = ("job", "summary")
    search_help_text = "Key of the job, or words of the summary"
    date_hierarchy = "scheduled_for"
    ordering = ("-scheduled_for", "-id")
    show_full_result_count = False
    list_per_page = 50
    actions = ("run_again",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="job", ordering="job")
    def job_name(self, run: JobRun) -> str:
        job = JOBS.get(run.job)
        return job.name if job else f"{run.job} (retired)"

    @admin.display(description="outcome", ordering="outcome")
    def ended(self, run: JobRun) -> str:
        return run.outcome.replace("_", " ") or run.state

    @admin.display(description="took")
    def took(self, run: JobRun) -> str:
        return in_words(run.duration)

    @admin.display(description="began after")
    def late(self, run: JobRun) -> str:
        return in_words(run.lateness)

    @admin.action(description="Run the jobs of the selected runs now", permissions=["run_job"])
    def run_again(self, request: HttpRequest, queryset: QuerySet[JobRun]) -> None:
        run_each_now(request, set(queryset.values_list("job", flat=True)), self)
