import json
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from monitoring.domain.figures import clock_text, duration, floored, iso_z, percent_of
from monitoring.domain.planner import (
    BurnInOutlook,
    Demonstration,
    PlannedEndpoint,
    UnableToPlan,
    plan_burn_in,
)
from monitoring.domain.policy import Policy
from monitoring.management.arguments import instant
from monitoring.models import Endpoint
from monitoring.services.judging import NO_POLICY, in_force


class Command(BaseCommand):
    help = "Say before a burn-in what its probe intervals can and cannot demonstrate."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=["table", "json"], default="table")
        parser.add_argument(
            "--interval",
            action="append",
            default=[],
            metavar="NAME=SECONDS",
            help="plan with this endpoint instead of those under watch; may be repeated",
        )
        parser.add_argument(
            "--starts-at", type=instant, metavar="ISO", help="default: the burn-in's, else now"
        )
        parser.add_argument("--review-at", type=instant, metavar="ISO", help="default: the burn-in's")

    def handle(self, *args: Any, **options: Any) -> None:
        burn_in, policy = in_force(timezone.now())
        starts_at = options["starts_at"] or (burn_in.starts_at if burn_in else timezone.now())
        review_at = options["review_at"] or (burn_in.review_at if burn_in else starts_at + timedelta(days=13))
        try:
            endpoints = [_given(text) for text in options["interval"]] or _watched()
            ruling = Policy() if policy == NO_POLICY else policy
            outlook = plan_burn_in(endpoints, ruling, starts_at=starts_at, review_at=review_at)
        except UnableToPlan as error:
            raise CommandError(str(error)) from error
        if options["format"] == "json":
            self.stdout.write(json.dumps(asdict(outlook), default=_plain))
        else:
            self.stdout.write("\n".join(_lines(outlook)))


def _plain(value: object) -> str:
    return iso_z(value) if isinstance(value, datetime) else str(value)


def _given(text: str) -> PlannedEndpoint:
    name, equals, seconds = text.partition("=")
    try:
        interval = float(seconds)
    except ValueError:
        interval = 0
    if not equals or not name or not 1 <= interval <= 86_400:
        raise UnableToPlan(f"{text!r} is no endpoint; write it as api=30, from 1 to 86400 seconds.")
    return PlannedEndpoint(name, interval_s=interval, cadence_s=interval)


def _watched() -> list[PlannedEndpoint]:
    return [
        PlannedEndpoint(
            name=endpoint.name,
            interval_s=endpoint.interval_s,
            cadence_s=endpoint.cadence_s,
            confirm_s=endpoint.confirm_interval_s,
            critical=endpoint.critical,
        )
        for endpoint in Endpoint.objects.filter(enabled=True).order_by("-critical", "name")
    ]


def _lines(outlook: BurnInOutlook) -> list[str]:
    shown = [*outlook.endpoints, *([outlook.platform] if outlook.platform else [])]
    seen = {one.name: one for one in outlook.detections}
    told = [f"What {outlook.window_days} days of clean probes demonstrate at 95 %:"]
    for one in shown:
        told.append(f"  {_demonstrated(one)}")
        if one.name in seen:
            detection = seen[one.name]
            told.append(
                f"    sees every outage of {detection.surely_seen_s:g} s, its length to about"
                f" {detection.length_error_s:g} s; silence above {detection.hold_s:g} s is unobserved"
            )
    told += [
        "",
        f"Downtime allowed in the window: {duration(outlook.downtime_allowed_s)}."
        f" Unobserved time allowed: {duration(outlook.silence_allowed_s)}.",
        "",
        "Each gate can be proven at the earliest:",
    ]
    told += [
        f"  {one.gate}: {clock_text(one.at) if one.at else 'never'}. {one.why}" for one in outlook.milestones
    ]
    told += ["", *(f"Warning: {text}" for text in outlook.warnings)] if outlook.warnings else []
    return told


def _demonstrated(one: Demonstration) -> str:
    reached = "nothing" if one.demonstrated is None else f"{floored(percent_of(one.demonstrated), 3)} %"
    text = f"{one.name}: {one.probes:,} probes demonstrate {reached};"
    text += f" {percent_of(one.objective).normalize():f} % needs {one.probes_needed:,}"
    if one.enough:
        return f"{text}: enough, even if {one.failures_allowed} of them fail"
    return f"{text}: not enough by count, only by the bounds of outages; {one.days_needed:.1f} days would do"
