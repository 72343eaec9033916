from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from monitoring.management.arguments import instant
from monitoring.models import BurnIn
from monitoring.services.burn_ins import (
    BurnInPlan,
    UnableToChangeBurnIn,
    advance_burn_in,
    begin_burn_in,
    current_burn_in,
    extend_burn_in,
)

ACTOR = "command line"
# The burn-in of the document that asked for this portal.
SEED = BurnInPlan(
    "7-day burn-in of Levqor",
    instant("2025-11-11T16:00Z"),
    instant("2025-11-18T16:00Z"),
    instant("2025-11-24T09:00Z"),
)


class Command(BaseCommand):
    help = "Start a burn-in, say how the current one stands, or extend it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        start = actions.add_parser(
            "start", help="start one, now or at a given time, and make it the current one"
        )
        start.add_argument("--name", default="", help="default: the date")
        start.add_argument("--days", type=int, default=7)
        start.add_argument(
            "--review-after", type=int, default=6, metavar="DAYS", help="days from its end to the review"
        )
        start.add_argument("--starts-at", type=instant, metavar="ISO", help="default: now")
        start.add_argument("--ends-at", type=instant, metavar="ISO", help="instead of --days")
        start.add_argument("--review-at", type=instant, metavar="ISO", help="instead of --review-after")
        start.add_argument(
            "--example", action="store_true", help="with the dates of the example: 2025-11-11 to 2025-11-18"
        )
        actions.add_parser("status", help="say how the current one stands")
        extend = actions.add_parser("extend", help="put off the end and the review of the current one")
        extend.add_argument("--days", type=int, default=7, help="default: one week")
        extend.add_argument("--review-at", type=instant, metavar="ISO", help="default: as many days later")
        extend.add_argument("--note", default="", help="why")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            if options["action"] == "start":
                begin_burn_in(_plan(options, now), now=now, actor=ACTOR)
            elif options["action"] == "extend":
                extend_burn_in(
                    now=now,
                    actor=ACTOR,
                    by=timedelta(days=options["days"]),
                    review_at=options["review_at"],
                    note=options["note"],
                )
            else:
                advance_burn_in(now=now)
        except UnableToChangeBurnIn as error:
            raise CommandError(str(error)) from error
        burn_in = current_burn_in()
        self.stdout.write(
            status_line(burn_in, now) if burn_in else "No burn-in is open. Start one: manage.py burnin start"
        )


def _plan(options: dict[str, Any], now: datetime) -> BurnInPlan:
    if options["example"]:
        return SEED
    if options["days"] < 1 or options["review_after"] < 0:
        raise CommandError("--days must be at least 1 and --review-after at least 0.")
    starts_at = options["starts_at"] or now
    ends_at = options["ends_at"] or starts_at + timedelta(days=options["days"])
    review_at = options["review_at"] or ends_at + timedelta(days=options["review_after"])
    name = options["name"] or f"burn-in of {starts_at:%Y-%m-%d %H:%M} UTC"
    return BurnInPlan(name, starts_at, ends_at, review_at)


def status_line(burn_in: BurnIn, now: datetime) -> str:
    """How a burn-in stands, in one line."""
    days = (burn_in.ends_at - burn_in.starts_at).days
    day = min(max((now - burn_in.starts_at).days, 0), days)
    return (
        f"{burn_in.name}: day {day}/{days}, {burn_in.state}, policy {burn_in.policy.version}. "
        f"Starts {burn_in.starts_at:%Y-%m-%d %H:%M} UTC, "
        f"ends {burn_in.ends_at:%Y-%m-%d %H:%M} UTC, review {burn_in.review_at:%Y-%m-%d %H:%M} UTC."
    )
