import json
import sys
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error as DatabaseError
from django.utils import timezone

from monitoring.domain.evidence import UnableToJudge
from monitoring.domain.limits import with_limits
from monitoring.domain.occasions import Occasion
from monitoring.domain.policy_fields import UnableToReadPolicy
from monitoring.domain.verdict_record import Judgement
from monitoring.domain.verdict_text import render_markdown, render_other_window, render_table
from monitoring.domain.verdicts import ExitCode, exit_code
from monitoring.management.arguments import instant
from monitoring.models import Verdict
from monitoring.services.judging import in_force, judge_in_full, verdict_hash
from monitoring.services.known import Knowledge, Material
from monitoring.services.outlook import what_if
from monitoring.services.verdicts import UnableToReplay, settled_moment, store_judgement
from monitoring.services.verification import verify
from tenancy.context import control_transaction


class Command(BaseCommand):
    help = (
        "Judge the five gates, now or at an instant of the past."
        " Exit code: 0 GO, 1 NO-GO, 2 NO-GO for lack of evidence, 3 could not judge."
        " With --verify: 0 identical, 1 different, 3 could not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=["table", "json", "markdown"], default="table")
        parser.add_argument(
            "--at", type=instant, metavar="ISO", help="judge this past instant from what was known then"
        )
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="GATE=LIMIT",
            dest="limits",
            help="judge under another limit, without storing; may be repeated",
        )
        parser.add_argument(
            "--what-if",
            action="store_true",
            help="also say what would make GO, when at the earliest, and what may still fail",
        )
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--store", action="store_true", help="store the verdict in the chain")
        which.add_argument(
            "--verify", type=int, metavar="N", help="derive the stored verdict N again and name differences"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            code = self._verify(options) if options["verify"] is not None else self._judge(now, options)
        except (DatabaseError, UnableToJudge, UnableToReadPolicy, UnableToReplay) as error:
            self.stderr.write(f"Could not judge: {str(error).strip()}")
            code = ExitCode.COULD_NOT_JUDGE
        sys.exit(code)

    def _judge(self, now: datetime, options: dict[str, Any]) -> ExitCode:
        if options["store"] and (options["at"] or options["limits"]):
            raise UnableToJudge("Only the verdict of now, under the policy in force, can be stored.")
        at = options["at"]
        if at is not None and at > now:
            raise UnableToReplay(
                f"{at:%Y-%m-%d %H:%M} UTC is still to come; only the past can be judged again."
            )
        stored = None
        with control_transaction("go_nogo"):
            moment = at or (settled_moment(now) if options["store"] else now)
            policy = with_limits(in_force(moment)[1], options["limits"]) if options["limits"] else None
            knowledge = Knowledge(at, sealed=True) if at else None
            judgement, material = judge_in_full(now=moment, knowledge=knowledge, policy=policy)
            if options["store"]:
                stored = store_judgement(
                    judgement, material, occasion=Occasion.COMMAND, now=now, actor="command line"
                )
        if options["format"] == "json":
            self.stdout.write(json.dumps(self._as_json(judgement, material, stored, options)))
        else:
            self._write_text(judgement, material, stored, options)
        return exit_code(judgement.verdict)

    def _as_json(
        self, judgement: Judgement, material: Material, stored: Verdict | None, options: dict[str, Any]
    ) -> dict[str, Any]:
        verdict = judgement.verdict
        told = {**verdict.to_json_dict(), "hash": stored.hash if stored else verdict_hash(verdict)}
        if stored:
            told["number"] = stored.number
        if options["limits"]:
            told["set"], told["stored"] = options["limits"], False
        if options["what_if"]:
            told["what_if"] = what_if(judgement, material).to_dict()
        return told

    def _write_text(
        self, judgement: Judgement, material: Material, stored: Verdict | None, options: dict[str, Any]
    ) -> None:
        if options["limits"]:
            self.stdout.write(f"Under other limits ({', '.join(options['limits'])}); not stored.\n")
        render = render_table if options["format"] == "table" else render_markdown
        self.stdout.write(render(judgement.verdict))
        if judgement.other:
            self.stdout.write(render_other_window(judgement.other.kind, judgement.other.verdict))
        if options["what_if"]:
            self.stdout.write("\n".join(what_if(judgement, material).lines()))
        if stored:
            self.stdout.write(f"Stored as verdict {stored.number}, SHA-256 {stored.hash}.")

    def _verify(self, options: dict[str, Any]) -> ExitCode:
        if options["at"] or options["limits"] or options["what_if"]:
            raise UnableToReplay(
                "--verify takes a stored verdict as it is; leave --at, --set and --what-if out."
            )
        result = verify(options["verify"])
        if options["format"] == "json":
            told = {
                "number": result.number,
                "identical": result.identical,
                "differences": [{"kind": one.kind.value, "text": one.text} for one in result.differences],
                "notes": list(result.notes),
            }
            self.stdout.write(json.dumps(told))
        else:
            word = "identical" if result.identical else f"{len(result.differences)} differences"
            self.stdout.write(f"Verdict {result.number}: {word}.")
            for one in result.differences:
                self.stdout.write(f"  {one.kind.value}: {one.text}")
            for note in result.notes:
                self.stdout.write(f"  note: {note}")
        return ExitCode.GO if result.identical else ExitCode.NO_GO
