from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from monitoring.domain.runs import Outcome, RunState, Trigger
from monitoring.jobs import JOBS, job_named
from monitoring.models import JobRun
from monitoring.services import jobs

_BY = "manage.py run_job"
_FAILED = {Outcome.ERROR.value, Outcome.TIMED_OUT.value, Outcome.MISSED.value}


class Command(BaseCommand):
    help = (
        "Runs one of the 18 jobs through the ledger, here and now. With --at a slot is run once: a second "
        "call shows how it ended. Exit 0: ok, findings or skipped; 1: error, timed out, missed or running."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("job", metavar="KEY", help="The job's key, e.g. slo_monitoring.")
        parser.add_argument(
            "--at", metavar="ISO", help="The slot to run, e.g. 2026-05-04T09:00Z; UTC unless it names a zone."
        )
        parser.add_argument(
            "--fail-on-findings", action="store_true", help="Exit 3 when the run found something."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        job = job_named(options["job"])
        if job is None:
            raise CommandError(f"There is no job {options['job']!r}. The jobs are: {', '.join(JOBS)}.")
        # The jobs' work is registered by the tasks modules of every app.
        current_app.loader.import_default_modules()
        now = timezone.now()
        if options["at"]:
            run = jobs.run_for_slot(job, at=_instant(options["at"], now), by=_BY)
        else:
            run = jobs.run_now(job, by=_BY, now=now, trigger=Trigger.COMMAND)
        self._run(run)
        self._report(run, fail_on_findings=options["fail_on_findings"])

    def _run(self, run: JobRun) -> None:
        if run.state != RunState.PENDING.value:
            self.stdout.write("This slot was run before; nothing was done now.")
            return
        try:
            jobs.execute(run.pk)
        except Exception as error:
            # Written down in the ledger already; the command's own exit says it again.
            raise CommandError(f"{run.job} failed: {type(error).__name__}: {error}", returncode=1) from error
        finally:
            run.refresh_from_db()

    def _report(self, run: JobRun, *, fail_on_findings: bool) -> None:
        ended = run.outcome.replace("_", " ") or run.state
        self.stdout.write(
            f"{run.job} {run.scheduled_for:%Y-%m-%d %H:%M:%S} UTC: {ended}. {run.summary}".rstrip()
        )
        if run.state != RunState.DONE.value or run.outcome in _FAILED:
            raise CommandError(f"The run is {ended}.", returncode=1)
        if fail_on_findings and run.outcome == Outcome.FINDINGS.value:
            raise CommandError("The run found something.", returncode=3)


def _instant(text: str, now: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text!r} is no instant. Write e.g. 2026-05-04T09:00Z.") from error
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if at > now:
        raise CommandError(f"{text} lies in the future; a slot is run when it has come.")
    return at
