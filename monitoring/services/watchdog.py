"""The watch from outside Celery: what is wrong with the portal's own parts right now."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from monitoring.clients import broker
from monitoring.clients.probe import ProbeRequest, probe_batch
from monitoring.domain.assertions import parse_condition
from monitoring.services.liveness import Liveness, Sign, liveness
from monitoring.services.probing import outbound_policy
from monitoring.services.schedules import read_schedule_rows, schedule_faults

OLDEST_OWED_S = 120.0
_MEMORY_SHARE = 0.9
_DISK_FREE_SHARE = 0.1
_SUCCESS = (parse_condition("[STATUS] >= 200"), parse_condition("[STATUS] < 300"))


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `key` names it, so that it is told once and its end once."""

    key: str
    sentence: str


def watch(now: datetime) -> list[Finding]:
    """Everything that is wrong at `now`, the gravest first. Two queries and three questions to the broker."""
    try:
        findings = _parts(liveness(now))
        findings += [
            Finding(f"schedule:{name}", f"Schedule row {name}: {fault}")
            for name, fault in schedule_faults(read_schedule_rows()).items()
        ]
    except (DatabaseError, InterfaceError) as error:
        findings = [Finding("database", f"The database does not answer: {str(error).strip()}")]
    return findings + _memory() + _disk()


def _parts(parts: Liveness) -> list[Finding]:
    findings = []
    if parts.beat is Sign.SILENT:
        findings.append(Finding("beat", f"Beat is silent ({_age(parts.beat_age_s)}): no job is started."))
    if parts.worker is Sign.SILENT:
        findings.append(Finding("worker", f"No worker gives a sign ({_age(parts.worker_age_s)})."))
    if not parts.broker:
        findings.append(Finding("broker", "The broker does not answer a ping within 0.5 s."))
    if parts.canary is Sign.SILENT and parts.beat is Sign.OK and parts.worker is Sign.OK and parts.broker:
        way = "from beat through broker and worker to the database"
        findings.append(Finding("canary", f"No message came {way} ({_age(parts.canary_age_s)})."))
    if parts.oldest_owed_s is not None and parts.oldest_owed_s > OLDEST_OWED_S:
        owed = f"{parts.owed_runs} runs are owed, the oldest for {parts.oldest_owed_s:.0f} s."
        findings.append(Finding("owed", owed))
    return findings


def _age(seconds: float | None) -> str:
    return "never seen" if seconds is None else f"last seen {seconds:.0f} s ago"


def _memory() -> list[Finding]:
    standing = broker.standing()
    if standing is None or not standing.memory_limit_bytes:
        return []
    share = standing.memory_bytes / standing.memory_limit_bytes
    if share < _MEMORY_SHARE:
        return []
    return [Finding("broker_memory", f"The broker's memory is {share:.0%} full.")]


def _disk() -> list[Finding]:
    path = next(
        folder for folder in (settings.LEVQOR_VAR, *Path(settings.LEVQOR_VAR).parents) if folder.exists()
    )
    usage = shutil.disk_usage(path)
    if usage.free / usage.total >= _DISK_FREE_SHARE:
        return []
    return [Finding("disk", f"The disk of {path} is {1 - usage.free / usage.total:.0%} full.")]


class UnableToPing(Exception):
    """The dead-man's switch was not reached, or did not answer with success."""


def ping_deadman(url: str, *, timeout: float = 5) -> None:
    """This will tell the dead-man's switch at `url` that the watchdog lives; its silence is the alarm.

    By GET through the prober's guarded client, so that a private address needs PROBE_ALLOWED_NETWORKS.

    Raises:
        UnableToPing: when the switch cannot be reached or does not answer with success.
    """
    request = ProbeRequest(
        key="deadman", url=url, expected_status=None, conditions=_SUCCESS, timeout_s=timeout, max_redirects=0
    )
    (result,) = probe_batch([request], policy=outbound_policy(), max_concurrent=1)
    if not result.ok:
        raise UnableToPing(f"DEADMAN_URL: {result.error or result.failed_assertion}")
