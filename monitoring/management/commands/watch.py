from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from monitoring.services.endpoints import UnableToWatch, Watch, watch_endpoint
from tenancy.services.members import default_tenant


class Command(BaseCommand):
    help = "Put a URL under watch. The first probe comes with the next tick, within five seconds."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", help="http or https address")
        parser.add_argument("--name", default="", help="what to call it (default: host and path)")
        parser.add_argument(
            "--component", default="", help="the part of the platform it belongs to (default: host)"
        )
        parser.add_argument(
            "--interval", type=int, default=30, metavar="S", help="seconds between two probes"
        )
        parser.add_argument(
            "--pulse",
            type=int,
            metavar="S",
            help="longest time to go unobserved in between, so that a short outage cannot hide"
            " (default: 10, or the interval if that is shorter; 0: none)",
        )
        parser.add_argument(
            "--timeout", type=float, default=10, metavar="S", help="seconds an answer may take"
        )
        parser.add_argument("--critical", action="store_true", help="counts for the uptime gate")
        parser.add_argument(
            "--header",
            action="append",
            default=[],
            metavar="NAME: VALUE",
            help="header to send; ${LEVQOR_PROBE_…} names an environment variable that holds a secret",
        )
        parser.add_argument(
            "--assert",
            dest="conditions",
            action="append",
            default=[],
            metavar="CONDITION",
            help="what must hold, such as '[BODY].ok == true' or '[RESPONSE_TIME] < 500'; may be repeated",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        headers = {}
        for line in options["header"]:
            name, separator, value = line.partition(":")
            if not separator:
                raise CommandError(f"--header {line!r} has no colon. Write it as 'X-Api-Key: value'.")
            headers[name.strip()] = value.strip()
        watch = Watch(
            url=options["url"],
            name=options["name"],
            component=options["component"],
            interval_s=options["interval"],
            pulse_s=options["pulse"],
            critical=options["critical"],
            conditions=options["conditions"],
            headers=headers,
            timeout_s=options["timeout"],
        )
        try:
            endpoint = watch_endpoint(watch, tenant=default_tenant(), now=timezone.now())
        except UnableToWatch as error:
            raise CommandError(str(error)) from error
        pulse = (
            f", with a pulse every {endpoint.cadence_s} s" if endpoint.cadence_s < endpoint.interval_s else ""
        )
        counts = "counts for the uptime gate" if endpoint.critical else "does not count for the uptime gate"
        self.stdout.write(
            f"Watching {endpoint.url} as {endpoint.name!r} every {endpoint.interval_s} s{pulse}; {counts}."
        )
