from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from monitoring.domain.schedules import next_slot
from monitoring.jobs import JOBS, TICKS, job_named
from monitoring.services.schedules import (
    Drift,
    ScheduleRow,
    find_drift,
    read_schedule_rows,
    sync_schedule_rows,
)


class Command(BaseCommand):
    help = (
        "Brings the schedule rows to the table of the 18 jobs. An operator's schedule and on/off are kept "
        "and shown as drift; --reset takes them back."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--reset",
            metavar="NAME",
            action="append",
            default=[],
            help="Put this job (key or name), or 'all', back to the table's schedule. May be repeated.",
        )
        parser.add_argument(
            "--check", action="store_true", help="Change nothing; exit 1 when anything drifts."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        reset = self._names(options["reset"])
        if options["check"]:
            drift = find_drift(read_schedule_rows())
            self._print(drift)
            if drift:
                raise CommandError(f"{len(drift)} deviations from the table.", returncode=1)
            return
        before = sync_schedule_rows(reset=reset)
        mended = [found for found in before if found.ours or found.name in reset]
        for found in mended:
            self.stdout.write(f"mended: {found.name} {found.sentence}")
        self._print(find_drift(read_schedule_rows()))

    def _names(self, texts: list[str]) -> frozenset[str]:
        names = set()
        for text in texts:
            job = job_named(text)
            tick = next((tick for tick in TICKS if text in (tick.key, tick.row_name)), None)
            if text == "all":
                names |= set(JOBS) | {tick.row_name for tick in TICKS}
            elif job:
                names.add(job.key)
            elif tick:
                names.add(tick.row_name)
            else:
                raise CommandError(f"There is no job {text!r}. The jobs are: {', '.join(JOBS)}.")
        return frozenset(names)

    def _print(self, drift: list[Drift]) -> None:
        rows = read_schedule_rows()
        now = timezone.now()
        for key, job in JOBS.items():
            self.stdout.write(f"{key:<24}{job.name:<34}{_schedule(rows.get(key), now)}")
        for tick in TICKS:
            self.stdout.write(f"{tick.row_name:<58}{_schedule(rows.get(tick.row_name), now)}")
        for found in drift:
            self.stdout.write(self.style.WARNING(f"drift: {found.name} {found.sentence}"))


def _schedule(row: ScheduleRow | None, now: Any) -> str:
    if row is None:
        return "no row"
    if row.schedule is None:
        return "unreadable"
    if not row.enabled:
        return f"{row.schedule!s:<28}off"
    return f"{row.schedule!s:<28}next {next_slot(row.schedule, now):%a %Y-%m-%d %H:%M:%S} UTC"
