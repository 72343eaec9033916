import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = (
        "Run the whole portal: PostgreSQL and Valkey (unless DATABASE_URL and REDIS_URL name others), web, "
        "worker, beat and watchdog. Ctrl-C stops it."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.LEVQOR_HOST, help="default: LEVQOR_HOST")
        parser.add_argument("--port", type=int, default=settings.LEVQOR_PORT, help="default: LEVQOR_PORT")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.flush()
        # Become the supervisor: the same process id, but without Django's memory.
        os.execv(
            sys.executable,
            [
                *(sys.executable, "-m", "levqor.runtime.up", "--var", str(settings.LEVQOR_VAR)),
                *("--host", options["host"], "--port", str(options["port"])),
            ],
        )
