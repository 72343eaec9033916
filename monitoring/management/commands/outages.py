import json
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from monitoring.management.arguments import instant
from monitoring.models import Outage
from monitoring.services.uptime import latest_outages, outage_facts


class Command(BaseCommand):
    help = "List outages with the bounds of their length."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=["table", "json"], default="table")
        parser.add_argument("--endpoint", default="", metavar="NAME", help="only this endpoint")
        parser.add_argument(
            "--since", type=instant, metavar="ISO", help="only outages that lasted past this instant"
        )
        parser.add_argument(
            "--blips", action="store_true", help="also single failures whose confirmation passed"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        rows = latest_outages(
            since=options["since"], endpoint=options["endpoint"], confirmed_only=not options["blips"]
        )
        described = [describe(row, now) for row in rows]
        if options["format"] == "json":
            self.stdout.write(json.dumps(described))
            return
        if not described:
            self.stdout.write("No outage.")
        for row, outage in zip(described, rows, strict=True):
            length = (
                f"{row['min_s']:.0f} to {row['max_s']:.0f} s"
                if row["max_s"] is not None
                else f"at least {row['min_s']:.0f} s"
            )
            state = "still open" if row["open"] else f"likely {row['likely_s']:.0f} s"
            self.stdout.write(
                f"{outage.first_bad_at:%Y-%m-%d %H:%M:%S}Z  {row['endpoint']}: {length}, {state}. "
                f"{outage.error}"
            )


def describe(row: Outage, now: datetime) -> dict[str, Any]:
    """An outage as data."""
    facts = outage_facts(row)
    longest = facts.max_s(now)
    return {
        "endpoint": row.endpoint.name,
        "last_good": _iso(row.last_good_at),
        "first_bad": _iso(row.first_bad_at),
        "last_bad": _iso(row.last_bad_at),
        "first_good": _iso(row.first_good_at),
        "min_s": round(facts.min_s, 3),
        "likely_s": round(facts.likely_s(now), 3),
        "max_s": None if longest is None else round(longest, 3),
        "open": row.first_good_at is None,
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None
