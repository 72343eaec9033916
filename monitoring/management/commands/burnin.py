from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError
from django.utils import timezone

from monitoring.services.judging import current_burn_in, open_burn_in


class Command(BaseCommand):
    help = "Start a burn-in, or say how the current one stands."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        start = actions.add_parser("start", help="start one now and make it the current one")
        start.add_argument("--name", default="", help="default: the date")
        start.add_argument("--days", type=int, default=7)
        start.add_argument(
            "--review-after", type=int, default=6, metavar="DAYS", help="days from its end to the review"
        )
        actions.add_parser("status", help="say how the current one stands")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        if options["action"] == "start":
            if options["days"] < 1 or options["review_after"] < 0:
                raise CommandError("--days must be at least 1 and --review-after at least 0.")
            name = options["name"] or f"burn-in of {now:%Y-%m-%d %H:%M} UTC"
            try:
                open_burn_in(
                    name=name,
                    starts_at=now,
                    days=options["days"],
                    review_after=timedelta(days=options["review_after"]),
                    actor="command line",
                )
            except IntegrityError as error:
                raise CommandError(
                    f"There is a burn-in named {name!r} already. Choose another --name."
                ) from error
        burn_in = current_burn_in()
        if burn_in is None:
            self.stdout.write("No burn-in is open. Start one: manage.py burnin start")
            return
        days = (burn_in.ends_at - burn_in.starts_at).days
        day = min(max((now - burn_in.starts_at).days, 0), days)
        self.stdout.write(
            f"{burn_in.name}: day {day}/{days}, {burn_in.state}, policy {burn_in.policy.version}. "
            f"Ends {burn_in.ends_at:%Y-%m-%d %H:%M} UTC, review {burn_in.review_at:%Y-%m-%d %H:%M} UTC."
        )
