"""Incidents: opened and resolved by people."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from monitoring.domain.observing import Severity
from monitoring.models import Incident


class UnableToResolve(ValueError):
    """The incident cannot be resolved as asked; the message says why."""


class UnableToOpen(ValueError):
    """The incident cannot be opened as asked; the message says why."""


@transaction.atomic
def open_incident(
    *, title: str, severity: Severity, summary: str, opened_at: datetime, actor: str, now: datetime
) -> Incident:
    """This will open an incident that began at `opened_at`, which may be before anybody knew.

    Raises:
        UnableToOpen: when it would begin in the future.
    """
    if opened_at > now:
        raise UnableToOpen("An incident cannot begin in the future. Say when it began.")
    return Incident.objects.create(
        title=title,
        severity=severity.value,
        summary=summary,
        opened_at=opened_at,
        opened_by=actor,
        created_at=now,
    )


@transaction.atomic
def resolve_incident(*, incident_id: int, resolved_at: datetime, now: datetime) -> Incident:
    """This will resolve an incident as of `resolved_at`.

    Raises:
        UnableToResolve: when it is resolved already, or would end before it began or in the future.
    """
    incident = Incident.objects.select_for_update().get(pk=incident_id)
    if incident.resolved_at is not None:
        raise UnableToResolve(
            f"{incident} was resolved already, at {incident.resolved_at:%Y-%m-%d %H:%M} UTC."
        )
    if resolved_at < incident.opened_at:
        raise UnableToResolve(f"{incident} began at {incident.opened_at:%Y-%m-%d %H:%M} UTC: it ended later.")
    if resolved_at > now:
        raise UnableToResolve("An incident cannot be resolved in the future.")
    incident.resolved_at = resolved_at
    incident.save(update_fields=["resolved_at"])
    return incident
