from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from monitoring.services.cost_entries import record_costs
from monitoring.services.cost_files import UnableToReadCosts, read_costs


class Command(BaseCommand):
    help = (
        "Import costs from a CSV file with the columns day, service, amount, and maybe kind, note, currency. "
        "All lines or none; an entry that was imported before is replaced."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            spent = read_costs(options["file"])
        except UnableToReadCosts as error:
            raise CommandError(str(error)) from error
        new = record_costs(spent, source="csv")
        self.stdout.write(f"{len(spent)} cost entries: {new} new, {len(spent) - new} replaced.")
