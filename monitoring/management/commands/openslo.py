import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from monitoring.services.openslo import UnableToImport, export_slos, import_slos, read_definitions
from tenancy.context import control_transaction


class Command(BaseCommand):
    help = "Read SLOs from OpenSLO v1 YAML, check such a file, or write the SLOs as such."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="do", required=True, metavar="import|check|export")
        for name, text in (
            ("import", "create or change the SLOs of a file, all or none"),
            ("check", "say what is wrong with a file, with paths; change nothing"),
        ):
            action = actions.add_parser(name, help=text)
            action.add_argument("file", metavar="FILE", help="the file; - reads the standard input")
        actions.add_parser("export", help="write all SLOs to the standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["do"] == "export":
            self.stdout.write(export_slos(), ending="")
            return
        try:
            self._read(options["do"], options["file"])
        except UnableToImport as error:
            listed = "\n".join(f"  {problem}" for problem in error.problems)
            raise CommandError(f"{options['file']} is not imported:\n{listed}") from error
        except ValidationError as error:
            raise CommandError(f"{options['file']} is not imported: {'; '.join(error.messages)}") from error

    def _read(self, do: str, file: str) -> None:
        try:
            text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{file} cannot be read: {error}") from error
        if do == "check":
            self.stdout.write(f"{file} holds: {len(read_definitions(text))} SLOs.")
            return
        with control_transaction("OpenSLO import"):
            done = import_slos(text, actor="openslo import")
        for word, names in (
            ("created", done.created),
            ("changed", done.changed),
            ("unchanged", done.unchanged),
        ):
            if names:
                self.stdout.write(f"{word}: {', '.join(names)}")
