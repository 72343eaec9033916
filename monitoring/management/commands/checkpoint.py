import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from monitoring.domain.evidence import UnableToJudge
from monitoring.domain.opslog import NOT_KNOWN
from monitoring.services.checkpoints import UnableToTakeCheckpoint, take_checkpoint


class Command(BaseCommand):
    help = "Take the weekly checkpoint: seven days in figures, triggers, blockers, what the review needs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--operator", default="command line", help="who takes it; stands in the row")
        parser.add_argument("--notes", default="")
        parser.add_argument("--format", choices=["text", "json"], default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            checkpoint = take_checkpoint(
                now=timezone.now(), actor=options["operator"], notes=options["notes"]
            )
        except (UnableToTakeCheckpoint, UnableToJudge) as error:
            raise CommandError(str(error)) from error
        figures = checkpoint.figures
        blockers = list(checkpoint.blockers.order_by("id").values_list("subject", "text"))
        if options["format"] == "json":
            told = {"id": checkpoint.pk, "verdict": checkpoint.verdict_id, "figures": figures}
            told["blockers"] = [{"subject": subject, "text": text} for subject, text in blockers]
            self.stdout.write(json.dumps(told))
            return
        self.stdout.write(
            f"Checkpoint {checkpoint.pk}: {figures['decision']}, {figures['within']}/5 within,"
            f" {figures['proven']}/5 proven (verdict {checkpoint.verdict_id})."
        )
        for name in ("observations", "error_rate_percent", "server_errors", "latency_avg_ms", "p1_incidents"):
            self._line(name, figures[name])
        for name in ("alerts", "heals", "api_days", "cost_average_usd"):
            self._line(name, figures[name])
        for trigger in figures["triggers"]:
            self.stdout.write(f"  {'FIRED' if trigger['fired'] else 'quiet'} {trigger['explanation']}")
        self.stdout.write(f"{len(blockers)} blockers")
        for subject, text in blockers:
            self.stdout.write(f"  {subject}: {text}")
        review = figures["review"]
        self.stdout.write(
            f"Review at {review['at']}; GO at the earliest: {review['earliest_go'] or NOT_KNOWN}"
        )
        for need in review["needs"]:
            self.stdout.write(f"  {need}")

    def _line(self, name: str, value: Any) -> None:
        self.stdout.write(f"  {name.replace('_', ' ')}: {NOT_KNOWN if value is None else value}")
