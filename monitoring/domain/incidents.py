"""Incidents as a story of entries: what was known of one at a moment follows from those written by then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from monitoring.domain.observing import Severity


class EntryKind(StrEnum):
    """What an entry of the time line says."""

    OPENED = "opened"
    UPDATED = "updated"
    ACKNOWLEDGED = "acknowledged"
    RECLASSIFIED = "reclassified"
    LINKED = "linked"
    POST_MORTEM = "post_mortem"
    RESOLVED = "resolved"
    REOPENED = "reopened"

    @property
    def label(self) -> str:
        """As people read it."""
        return "post-mortem written" if self is EntryKind.POST_MORTEM else self.value


ACKNOWLEDGE_WITHIN = {
    Severity.P1: timedelta(minutes=15),
    Severity.P2: timedelta(hours=2),
    Severity.P3: timedelta(hours=4),
    Severity.P4: timedelta(hours=24),
}

# A critical endpoint that was surely down for longer than this is a P1.
DOWN_TOO_LONG = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: written at `written_at`, about `effective_at` (an end may be told later than it came)."""

    kind: EntryKind
    written_at: datetime
    effective_at: datetime
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What was known of an incident at a moment."""

    severity: Severity
    gravest: Severity
    """The gravest severity it had had by then: what the P1 gate counts."""
    acknowledged_at: datetime | None
    resolved_at: datetime | None


def known_at(entries: Iterable[Entry], at: datetime) -> Known | None:
    """Return what the entries written by `at` say, in their order; None when it was not opened by then."""
    severity: Severity | None = None
    gravest: Severity | None = None
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    for entry in entries:
        if entry.written_at > at:
            continue
        if entry.severity is not None:
            severity = entry.severity
            gravest = graver(gravest, severity)
        if entry.kind is EntryKind.ACKNOWLEDGED:
            acknowledged_at = entry.effective_at
        elif entry.kind is EntryKind.RESOLVED:
            resolved_at = entry.effective_at
        elif entry.kind is EntryKind.REOPENED:
            resolved_at = None
    if severity is None or gravest is None:
        return None
    return Known(severity, gravest, acknowledged_at, resolved_at)


def graver(one: Severity | None, other: Severity) -> Severity:
    """Return the graver of two severities; P1 is the gravest."""
    return other if one is None else min(one, other, key=lambda severity: severity.value)


def acknowledge_by(severity: Severity, since: datetime) -> datetime:
    """Return by when somebody must have it, when it is known to be so grave `since` then."""
    return since + ACKNOWLEDGE_WITHIN[severity]
