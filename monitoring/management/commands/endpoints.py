import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from monitoring.models import Endpoint


class Command(BaseCommand):
    help = "List what is watched and how it stands."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=["table", "json"], default="table")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = [
            self._row(endpoint)
            for endpoint in Endpoint.objects.select_related("state").order_by("name", "id")
        ]
        if options["format"] == "json":
            self.stdout.write(json.dumps(rows))
        elif not rows:
            self.stdout.write(
                "Nothing is watched yet. Try: manage.py watch https://your.platform/health --critical"
            )
        else:
            self._table(rows)

    @staticmethod
    def _row(endpoint: Endpoint) -> dict[str, Any]:
        state = getattr(endpoint, "state", None)
        return {
            "name": endpoint.name,
            "component": endpoint.component,
            "url": endpoint.url,
            "interval_s": endpoint.interval_s,
            "critical": endpoint.critical,
            "enabled": endpoint.enabled,
            "standing": state.standing if state else "unknown",
            "status": state.last_status if state else None,
            "latency_ms": state.last_latency_ms if state else None,
            "last_at": state.last_at.isoformat() if state and state.last_at else None,
        }

    def _table(self, rows: list[dict[str, Any]]) -> None:
        width = max(len(row["name"]) for row in rows)
        for row in rows:
            latency = f"{row['latency_ms']:8.1f} ms" if row["latency_ms"] is not None else "          -"
            marks = ("critical " if row["critical"] else "") + ("" if row["enabled"] else "paused ")
            status = row["status"] if row["status"] is not None else "-"
            self.stdout.write(
                f"{row['name']:<{width}}  {row['standing']:<8} {status!s:>4} {latency}  "
                f"every {row['interval_s']} s  {marks}{row['url']}"
            )
