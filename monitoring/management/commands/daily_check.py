import json
from argparse import ArgumentParser
from datetime import UTC
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from monitoring.domain.evidence import UnableToJudge
from monitoring.domain.opslog import shown
from monitoring.domain.verdict_text import render_table
from monitoring.services.daily_check import (
    DailyCheck,
    UnableToRecord,
    amend_daily_check,
    gather_daily_check,
    record_daily_check,
)


class Command(BaseCommand):
    help = "Go through the six steps of the daily check and record the day in the ops log."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--operator", default="command line", help="who looked; stands in the entry")
        parser.add_argument("--notes", default="", help="anomalies and whatever else is worth keeping")
        parser.add_argument("--format", choices=["text", "json"], default="text")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--look", action="store_true", help="show the six steps and record nothing")
        which.add_argument("--amend", metavar="TEXT", help="add an entry that corrects or completes today's")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        entry = None
        try:
            if options["amend"] is not None:
                entry = amend_daily_check(
                    day=now.astimezone(UTC).date(),
                    now=now,
                    operator=options["operator"],
                    text=options["amend"],
                )
                self.stdout.write(f"Entry {entry.pk} amends the daily check of {now:%Y-%m-%d}.")
                return
            if not options["look"]:
                entry = record_daily_check(now=now, operator=options["operator"], notes=options["notes"])
            check = gather_daily_check(now=now)
        except (UnableToRecord, UnableToJudge) as error:
            raise CommandError(str(error)) from error
        if options["format"] == "json":
            told = {"recorded": entry is not None, "figures": check.figures.to_dict()}
            told["verdict"] = check.verdict.to_json_dict()
            self.stdout.write(json.dumps({**told, "entry": entry.data if entry else None}))
            return
        self._write(check)
        recorded = f"Recorded as entry {entry.pk}." if entry else "Nothing was recorded (--look)."
        self.stdout.write(recorded)

    def _write(self, check: DailyCheck) -> None:
        self.stdout.write(f"Daily check, {str(check.burn_in) if check.burn_in else 'no burn-in is open'}\n")
        self.stdout.write("1. Dashboard")
        self.stdout.write(render_table(check.verdict))
        metrics = check.metrics
        self.stdout.write("2. /public/metrics")
        for name in metrics.__slots__:
            value = getattr(metrics, name)
            self.stdout.write(f"  {name}: {'not known' if value is None else value}")
        self.stdout.write("3. Job runs")
        for line in check.jobs:
            ended = (line.last.outcome or line.last.state) if line.last else "never run"
            late = ", OVERDUE" if line.overdue else ""
            self.stdout.write(f"  {line.job.name}: {ended}{late}{', ' + line.fault if line.fault else ''}")
        self.stdout.write("4. Synthetic results, past 24 h")
        for one in check.synthetic:
            self.stdout.write(f"  {one.endpoint}: {one.total} checks, {one.bad} bad")
        if not check.synthetic:
            self.stdout.write("  none: nobody looked")
        self.stdout.write(f"5. Alerts, past 24 h: {shown(check.figures.alerts)} fired")
        for alert in check.alerts:
            self.stdout.write(f"  {alert.severity} {alert.subject_name}: {alert.summary} ({alert.state})")
        self.stdout.write("6. Record")
        for name, value in check.figures.rows():
            self.stdout.write(f"  {name}: {value}")
