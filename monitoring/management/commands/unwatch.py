from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from monitoring.services.endpoints import UnableToWatch, unwatch_endpoint


class Command(BaseCommand):
    help = "Stop probing an endpoint. Its measurements stay."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="as `manage.py endpoints` lists it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            endpoint = unwatch_endpoint(name=options["name"])
        except UnableToWatch as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"No longer probing {endpoint.name!r}.")
        if endpoint.critical:
            self.stdout.write(
                "It is critical: from now on its state is unknown, and the uptime gate cannot be proven "
                "until it is watched again or is no longer marked critical in the admin."
            )
