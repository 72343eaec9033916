from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from monitoring.domain.evidence import UnableToJudge
from monitoring.domain.reports import report_markdown
from monitoring.services.publishing import UnableToStartPublishing, publish_report
from monitoring.services.report_pages import report_html
from monitoring.services.reports import gather_report


class Command(BaseCommand):
    help = "Write the burn-in report with its charts, or publish it to Notion and Slack."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=["markdown", "html"], default="markdown")
        parser.add_argument("--out", type=Path, metavar="FILE", help="default: standard output")
        parser.add_argument("--publish", action="store_true", help="replace the Notion page, tell Slack")
        parser.add_argument("--operator", default="command line", help="who publishes; stands in the ops log")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            if options["publish"]:
                done = publish_report(now=now, actor=options["operator"])
                for one in done:
                    self.stdout.write(str(one))
                if any(one.state == "failed" for one in done):
                    raise CommandError("Not everything was published; the ops log says what was.")
                return
            report = gather_report(now=now)
        except (UnableToJudge, UnableToStartPublishing) as error:
            raise CommandError(str(error)) from error
        text = report_html(report) if options["format"] == "html" else report_markdown(report)
        if options["out"] is None:
            self.stdout.write(text)
            return
        try:
            options["out"].write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{options['out']} cannot be written: {error}") from error
        self.stdout.write(f"Written to {options['out']}.")
