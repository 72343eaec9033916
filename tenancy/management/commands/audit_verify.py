from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenancy.services.audit_check import UnableToReadHeads, check_chains, read_heads, save_heads


class Command(BaseCommand):
    help = (
        "Verify every tenant's audit chain and name each changed, missing or cut row. Exit code 1 when there "
        "is one. A chain that was cut at its end looks whole: it is compared with the heads that the last "
        "clean check kept outside the database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--heads",
            type=Path,
            default=settings.LEVQOR_VAR / "audit-heads.txt",
            help="Where the heads of the last clean check are kept (default: %(default)s).",
        )
        parser.add_argument(
            "--no-save",
            action="store_true",
            help="Leave the kept heads as they are.",
        )

    def handle(self, *args: Any, heads: Path, no_save: bool, **options: Any) -> None:
        try:
            known = read_heads(heads)
        except UnableToReadHeads as error:
            raise CommandError(f"{error} Restore it, or move it away to begin anew.") from error
        chains = check_chains(known)
        for _, chain in chains:
            whole = "; ".join(str(fault) for fault in chain.report.faults) or "whole"
            self.stdout.write(f"{chain.ext_id}: {chain.report.rows} rows, {whole}")
        broken = [chain.ext_id for _, chain in chains if chain.report.faults]
        if broken:
            raise CommandError(f"The audit chain is not whole: {', '.join(broken)}.")
        if not no_save:
            save_heads(heads, {tenant_id: chain.report.head for tenant_id, chain in chains})
        if not known:
            self.stdout.write(
                "There were no heads of an earlier check: rows cut off before now would not be seen."
            )
