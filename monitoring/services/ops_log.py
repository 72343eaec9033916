"""The ops log: one way to write it, and none to change it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from monitoring.domain.opslog import OpsKind
from monitoring.models import OpsLogEntry


def write_entry(
    kind: OpsKind,
    *,
    at: datetime,
    actor: str,
    text: str,
    subsystem: str = "",
    data: dict[str, Any] | None = None,
    day: date | None = None,
    amends: OpsLogEntry | None = None,
) -> OpsLogEntry:
    """This will add an entry, in the caller's transaction: the deed and its note are kept together."""
    return OpsLogEntry.objects.create(
        kind=kind.value,
        at=at,
        actor=actor[:150],
        text=text,
        subsystem=subsystem[:64],
        data=data or {},
        day=day,
        amends=amends,
    )
