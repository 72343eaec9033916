import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error as DatabaseError
from django.utils import timezone

from monitoring.domain.evidence import UnableToJudge
from monitoring.domain.policy_fields import UnableToReadPolicy
from monitoring.domain.verdict_text import render_markdown, render_table
from monitoring.domain.verdicts import exit_code
from monitoring.services.judging import judge, verdict_hash


class Command(BaseCommand):
    help = (
        "Judge the five gates now. Exit code: 0 GO, 1 NO-GO, 2 NO-GO for lack of evidence, 3 could not judge."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=["table", "json", "markdown"], default="table")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            verdict = judge(now=timezone.now())
        except (DatabaseError, UnableToJudge, UnableToReadPolicy) as error:
            self.stderr.write(f"Could not judge: {str(error).strip()}")
            sys.exit(exit_code(None))
        if options["format"] == "json":
            self.stdout.write(json.dumps({**verdict.to_json_dict(), "hash": verdict_hash(verdict)}))
        else:
            render = render_table if options["format"] == "table" else render_markdown
            self.stdout.write(render(verdict))
        sys.exit(exit_code(verdict))
