from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.utils import timezone

from levqor import first_run
from levqor.runtime import PROBE_KEY_FILE
from levqor.runtime.files import write_private
from monitoring.services.schedules import sync_schedule_rows


class Command(BaseCommand):
    help = (
        "Make the database ready to serve: tables, schedules, the first operator, a burn-in, what to watch. "
        "Safe to repeat; `up` does it at every start, a deployment should too."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--base-url",
            default=f"http://{settings.LEVQOR_HOST}:{settings.LEVQOR_PORT}",
            help="where the portal watches itself; default: LEVQOR_HOST and LEVQOR_PORT",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        call_command("migrate", verbosity=0)
        if mended := [found for found in sync_schedule_rows() if found.ours]:
            self.stdout.write(f"{len(mended)} schedule rows made or mended")
        operator = first_run.ensure_operator()
        if operator is not None:
            self.stdout.write(f"operator account: {operator.username}")
            if operator.generated:
                self.stdout.write(f"one-time password, shown only now: {operator.password}")
        burn_in = first_run.ensure_burn_in(now=now)
        if burn_in is not None:
            self.stdout.write(f"opened {burn_in.name}, until {burn_in.ends_at:%Y-%m-%d %H:%M} UTC")
        self._ensure_probe_key()
        first_run.ensure_first_measurements(base_url=options["base_url"], now=now)

    def _ensure_probe_key(self) -> None:
        """Where the environment names no key, keep one in a file of `var` that `up` hands to the programs."""
        path = Path(settings.LEVQOR_VAR) / PROBE_KEY_FILE
        if settings.LEVQOR_PROBE_KEY and not path.exists():
            return
        known = path.read_text().strip() if path.exists() else ""
        key = first_run.ensure_probe_key(known, now=timezone.now())
        if key != known:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(path, key + "\n")
