from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from monitoring.services.bundles import evidence_bundle
from monitoring.services.signing import UnableToSign
from monitoring.services.verdicts import UnableToReplay


class Command(BaseCommand):
    help = "Write a stored verdict with its evidence into a signed zip, to be verified offline."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", type=int, metavar="N", help="the verdict's number")
        parser.add_argument("file", type=Path, metavar="OUT.zip")
        parser.add_argument("--force", action="store_true", help="replace the file if it is there")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        if path.exists() and not options["force"]:
            raise CommandError(f"{path} is there already; --force replaces it.")
        try:
            bundle = evidence_bundle(options["number"])
            # Beside it first: nobody finds half a bundle.
            part = path.with_name(f".{path.name}.part")
            part.write_bytes(bundle.content)
            part.replace(path)
        except (UnableToReplay, UnableToSign) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
        self.stdout.write(
            f"Wrote {path}: verdict {options['number']} and {bundle.rows:,} rows."
            f" Signed by the key with fingerprint {bundle.fingerprint}"
        )
