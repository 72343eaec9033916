import json
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from monitoring.domain.figures import coverage_text, duration, floored, percent_of
from monitoring.domain.slo import SloPeriod
from monitoring.services.slo import SloLine, evaluate_slos, needs_attention, read_slos
from tenancy.context import control_transaction


class Command(BaseCommand):
    help = "Show how the SLOs stand now: objective, error budget, burn rate, coverage."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=["table", "json"], default="table")
        parser.add_argument("--check", action="store_true", help="exit 1 when one is not well")
        parser.add_argument(
            "--evaluate", action="store_true", help="also store it, as job 2 does every five minutes"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        with control_transaction("slo"):
            lines = evaluate_slos(now=now).lines if options["evaluate"] else read_slos(now=now)
        if options["format"] == "json":
            self.stdout.write(json.dumps([describe(line) for line in lines]))
        elif not lines:
            self.stdout.write("There is no SLO in force. `manage.py openslo import FILE` reads some.")
        else:
            self._table(lines)
        bad = [line.slo.name for line in lines if needs_attention(line.reading)]
        if options["check"] and bad:
            raise CommandError(f"Not well: {', '.join(bad)}.", returncode=1)

    def _table(self, lines: Sequence[SloLine]) -> None:
        width = max(len(line.slo.name) for line in lines)
        for line in lines:
            reading = line.reading
            sli = "no data" if reading.sli is None else f"{floored(percent_of(reading.sli), 3)} %"
            left = "–"
            if reading.budget is not None:
                sign = "" if reading.budget.remaining_s >= 0 else "-"
                left = f"{sign}{duration(abs(reading.budget.remaining_s))} of {duration(reading.budget.budget_s)}"
            burn = (
                "–" if reading.burn is None else f"{reading.burn.rate:.2f} x (limit {reading.burn.factor:g})"
            )
            self.stdout.write(
                f"{line.slo.name:<{width}}  {reading.standing.value.replace('_', ' '):<10} {sli:>11} "
                f"of {line.slo.objective_percent} %, {SloPeriod(line.slo.period).label}; budget left {left}; "
                f"burn {burn}; observed {coverage_text(reading.coverage)}"
            )


def describe(line: SloLine) -> dict[str, Any]:
    """How an SLO stands, as data; null where nothing is known."""
    reading, budget, burn = line.reading, line.reading.budget, line.reading.burn
    return {
        "name": line.slo.name,
        "title": line.slo.title,
        "sli": line.slo.sli,
        "objective": float(line.slo.objective),
        "threshold_ms": line.slo.threshold_ms,
        "period": line.slo.period,
        "window": {"start": reading.window.start.isoformat(), "end": reading.window.end.isoformat()},
        "value": reading.sli,
        "standing": reading.standing.value,
        "coverage": reading.coverage,
        "samples": reading.samples,
        "budget_s": budget.budget_s if budget else None,
        "consumed_s": budget.consumed_s if budget else None,
        "remaining_s": budget.remaining_s if budget else None,
        "burn_rates": {f"{int(w.total_seconds())}s": rate for w, rate in reading.rates.items()},
        "burn": None
        if burn is None
        else {"rate": burn.rate, "factor": burn.factor, "page": burn.pair.page, "too_fast": burn.excess > 1},
        "no_data": reading.no_data,
        "breaches": reading.breaches,
        "sentence": reading.sentence,
    }
