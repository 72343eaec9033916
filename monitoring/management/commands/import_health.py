from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from monitoring.services.history_files import UnableToRead, read_history
from monitoring.services.imports import UnableToImport, import_history
from tenancy.services.members import default_tenant


class Command(BaseCommand):
    help = (
        "Import observations of other monitoring: a CSV or JSON-lines file with ts, ok or status_code, "
        "latency_ms, endpoint; or the answer of a Prometheus query_range. All rows or none; twice adds nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="NAME.csv, NAME.jsonl, or NAME.json of query_range")
        parser.add_argument(
            "--endpoint", default="", metavar="NAME", help="whose observations they are, when rows do not say"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        def progress(count: int) -> None:
            if options["verbosity"] > 0:
                self.stderr.write(f"{count:,} rows read")

        try:
            done = import_history(
                read_history(options["file"]),
                tenant=default_tenant(),
                now=timezone.now(),
                endpoint=options["endpoint"],
                progress=progress,
            )
        except (UnableToImport, UnableToRead) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{done.rows:,} observations from {done.first:%Y-%m-%d %H:%M:%S}Z to {done.last:%Y-%m-%d %H:%M:%S}Z: "
            f"{done.added:,} added, {done.known:,} known before."
        )
        for name, count in done.outages.items():
            self.stdout.write(f"{name}: {count} outages and blips stand since then.")
