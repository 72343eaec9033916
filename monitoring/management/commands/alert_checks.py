from __future__ import annotations

import argparse
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from monitoring.models import AlertEpisode
from monitoring.services.alerts import UnableToEvaluate, evaluate_alerts


class Command(BaseCommand):
    help = (
        "Evaluates every alert rule now and lists what is firing. Exit 0: nothing fires; 1: something does; "
        "3: a rule could not be evaluated."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--format", choices=["text", "json"], default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            sentence, fault = evaluate_alerts(now=timezone.now()).sentence, ""
        except UnableToEvaluate as error:
            sentence, fault = "", str(error)
        firing = list(AlertEpisode.objects.open())
        if options["format"] == "json":
            self.stdout.write(json.dumps({"fault": fault, "firing": [describe(one) for one in firing]}))
        else:
            lines = [sentence, *(f"{one} ({one.state}): {one.summary}" for one in firing)]
            self.stdout.write("\n".join(line for line in lines if line))
        if fault:
            raise CommandError(fault, returncode=3)
        if firing:
            raise CommandError(f"{len(firing)} alerts are firing.", returncode=1)


def describe(episode: AlertEpisode) -> dict[str, Any]:
    """A firing alert as data."""
    return {
        "id": episode.pk,
        "rule": episode.rule_key,
        "subject": episode.subject_name,
        "severity": episode.severity,
        "state": episode.state,
        "value": episode.value,
        "threshold": episode.threshold,
        "unit": episode.unit,
        "fired_at": episode.fired_at.isoformat(),
        "summary": episode.summary,
    }
