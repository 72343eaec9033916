from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from monitoring.services.synthetic import sweep


class Command(BaseCommand):
    help = (
        "Probes every enabled endpoint now, with all its assertions, and says whether the dense prober is "
        "alive. Exit 0: all is well; 1: something was found."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--format", choices=["text", "json"], default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        report = sweep(now=timezone.now())
        if options["format"] == "json":
            self.stdout.write(json.dumps(asdict(report)))
        else:
            self.stdout.write(report.sentence)
        if report.findings:
            raise CommandError(f"{len(report.findings)} findings.", returncode=1)
