import getpass
import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from monitoring.domain.evidence import UnableToJudge
from monitoring.domain.reviews import DEFAULT_EXTENSION_DAYS, BlockerTerms, ReviewDraft, WaiverTerms
from monitoring.domain.verdict_text import render_table
from monitoring.domain.verdicts import Decision
from monitoring.management.arguments import instant
from monitoring.services.reviews import ReviewSheet, UnableToSign, gather_review_sheet, sign_review

_LONGEST_PASSWORD = 4096


def _waiver(text: str) -> WaiverTerms:
    parts = text.split("|")
    if len(parts) != 3:
        raise ArgumentTypeError(f"{text!r} is no waiver. Write it as POINT|UNTIL|REASON.")
    point, until, reason = (part.strip() for part in parts)
    return WaiverTerms(point, reason, instant(until))


def _blocker(text: str) -> BlockerTerms:
    subject, sign, what = text.partition("=")
    if not sign:
        raise ArgumentTypeError(f"{text!r} is no blocker. Write it as SUBJECT=WHAT.")
    return BlockerTerms(subject.strip(), what.strip())


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no date. Write it as 2025-12-01.") from error


class Command(BaseCommand):
    help = (
        "Show the verdict and what stands open; with --decision sign the Go/No-Go review."
        " Passwords are asked for, or read from standard input, one a line: the signer's, the second person's."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--decision", choices=[decision.value for decision in Decision])
        parser.add_argument("--signer", metavar="USER", help="who signs; needs the right sign_review")
        parser.add_argument("--second", metavar="USER", default="", help="the second person of a waiver")
        parser.add_argument("--note", default="")
        parser.add_argument(
            "--waive",
            type=_waiver,
            action="append",
            default=[],
            metavar="POINT|UNTIL|REASON",
            help="GO against the verdict: one for each open point, such as 'uptime|2025-12-01T00:00Z|why'",
        )
        parser.add_argument(
            "--blocker", type=_blocker, action="append", default=[], metavar="SUBJECT=WHAT", help="NO-GO"
        )
        parser.add_argument("--plan", default="", help="NO-GO: what will be done")
        parser.add_argument("--owner", default="", help="NO-GO: who does it")
        parser.add_argument("--due", type=_day, metavar="DATE", help="NO-GO: by when")
        parser.add_argument("--extend", type=int, default=DEFAULT_EXTENSION_DAYS, metavar="DAYS")
        parser.add_argument("--next-review", type=instant, metavar="ISO", help="default: as much later")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            sheet = gather_review_sheet(now=now)
        except UnableToJudge as error:
            raise CommandError(str(error)) from error
        self._show(sheet)
        if options["decision"] is None:
            return
        if not options["signer"]:
            raise CommandError("Who signs? Add --signer USER.")
        signer = self._person(options["signer"])
        second = self._person(options["second"]) if options["second"] else None
        draft = ReviewDraft(
            decision=Decision(options["decision"]),
            note=options["note"],
            waivers=tuple(options["waive"]),
            blockers=tuple(options["blocker"]),
            plan=options["plan"],
            plan_owner=options["owner"],
            plan_due=options["due"],
            extension_days=options["extend"],
            next_review_at=options["next_review"],
        )
        try:
            review = sign_review(
                draft, signer=signer, second=second, now=now, through="command line", seal=sheet.seal
            )
        except UnableToSign as error:
            raise CommandError("\n".join(fault.text for fault in error.faults)) from error
        self.stdout.write(
            f"Signed as review {review.pk}: {review.decision} by {review.signed_by}."
            f" Computed verdict {review.verdict_id}: {review.verdict.decision}."
        )
        if review.next_review_at:
            self.stdout.write(f"Extended; next review {review.next_review_at:%Y-%m-%d %H:%M} UTC.")

    def _show(self, sheet: ReviewSheet) -> None:
        self.stdout.write(f"Review of {sheet.burn_in or 'no burn-in'}")
        self.stdout.write(render_table(sheet.verdict))
        for point in sheet.points:
            self.stdout.write(f"  open: {point.key} ({point.title})")
        if sheet.newest:
            self.stdout.write(f"Signed before: {sheet.newest}; a further one supersedes it.")

    def _person(self, name: str) -> User:
        """Somebody who has just shown that they are who they say."""
        if sys.stdin.isatty():
            password = getpass.getpass(f"Password of {name}: ")
        else:
            password = sys.stdin.readline(_LONGEST_PASSWORD).rstrip("\n")
        user = authenticate(username=name, password=password)
        if not isinstance(user, User):
            raise CommandError(f"{name} could not be authenticated.")
        return user
