from __future__ import annotations

import argparse
import json
import logging
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.utils import timezone

from monitoring.services.direct_alarms import DirectAlarms
from monitoring.services.watchdog import Finding, UnableToPing, ping_deadman, watch

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Watches beat, workers, owed runs, the broker and the disk from outside Celery. Logs when something "
        "goes wrong and when it ends, tells people of it without Celery's help, and pings DEADMAN_URL. "
        "With --once: exit 1 when anything is wrong."
    )
    # Its own process, to be small and to start whatever is broken.
    requires_system_checks: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._alarms = DirectAlarms()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="Look once, print, and exit.")
        parser.add_argument("--format", choices=["text", "json"], default="text", help="For --once.")
        parser.add_argument("--interval", type=float, default=10, help="Seconds between looks (10).")
        parser.add_argument("--grace", type=float, default=30, help="Seconds before the first look (30).")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            self._print(watch(timezone.now()), options["format"])
            return
        known: dict[str, str] = {}
        # What is started together with it is given time to come up.
        time.sleep(options["grace"])
        while True:
            known = self._look(known)
            connections.close_all()
            time.sleep(options["interval"])

    def _print(self, findings: list[Finding], form: str) -> None:
        if form == "json":
            listed = [{"key": found.key, "sentence": found.sentence} for found in findings]
            self.stdout.write(json.dumps({"ok": not findings, "findings": listed}))
        else:
            self.stdout.write("\n".join(found.sentence for found in findings) or "All is well.")
        if findings:
            raise CommandError(f"{len(findings)} findings.", returncode=1)

    def _look(self, known: dict[str, str]) -> dict[str, str]:
        now = timezone.now()
        findings = watch(now)
        found = {finding.key: finding.sentence for finding in findings}
        for key, sentence in found.items():
            if key not in known:
                logger.error("watchdog: %s: %s", key, sentence)
        for key in known.keys() - found.keys():
            logger.warning("watchdog: %s: over", key)
        # A portal that cannot do its job does not say that it lives.
        if settings.DEADMAN_URL and not found:
            try:
                ping_deadman(settings.DEADMAN_URL)
            except UnableToPing as error:
                logger.warning("watchdog: the dead-man's switch did not answer: %s", error)
        self._alarms.tell(findings, now)
        return found
