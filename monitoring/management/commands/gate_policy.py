import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from monitoring.domain.policy import Policy
from monitoring.domain.policy_fields import UnableToReadPolicy
from monitoring.models import GatePolicy
from monitoring.services.burn_ins import UnableToChangeBurnIn
from monitoring.services.policies import from_yaml, import_policy, policy_numbered, to_yaml


class Command(BaseCommand):
    help = "Export the criteria of the gates as YAML, import them as a new version, or list the versions."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        export = actions.add_parser("export", help="print a version as YAML")
        export.add_argument("--number", type=int, metavar="N", help="default: the one in force")
        read = actions.add_parser("import", help="store a YAML file as the next version")
        read.add_argument("file", help="the file, or - for standard input")
        read.add_argument("--note", default="", help="why it was changed")
        read.add_argument("--use", action="store_true", help="judge the current burn-in by it from now on")
        read.add_argument("--check", action="store_true", help="only say whether it can be read")
        actions.add_parser("list", help="list the versions")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            {"export": self._export, "import": self._import, "list": self._list}[options["action"]](options)
        except (UnableToReadPolicy, UnableToChangeBurnIn) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be read: {error.strerror}.") from error

    def _export(self, options: dict[str, Any]) -> None:
        row = policy_numbered(options["number"])
        self.stdout.write(to_yaml(Policy.from_dict(row.criteria)), ending="")

    def _import(self, options: dict[str, Any]) -> None:
        try:
            text = sys.stdin.read() if options["file"] == "-" else Path(options["file"]).read_text("utf-8")
        except UnicodeDecodeError as error:
            raise UnableToReadPolicy(f"{options['file']} is not UTF-8 text.") from error
        policy = from_yaml(text)
        if options["check"]:
            self.stdout.write("The policy can be read. Nothing was stored.")
            return
        row, is_new = import_policy(
            policy, now=timezone.now(), actor="command line", note=options["note"], use=options["use"]
        )
        word = "Stored as" if is_new else "The same as"
        used = "; the current burn-in is judged by it from now on" if options["use"] else ""
        self.stdout.write(f"{word} policy {row.version}{used}.")

    def _list(self, options: dict[str, Any]) -> None:
        for row in GatePolicy.objects.order_by("version"):
            self.stdout.write(
                f"{row.version}  {row.created_at:%Y-%m-%d %H:%M} UTC  {row.created_by}  {row.note}".rstrip()
            )
