"""Incidents: everything that is done to one is one function here, one entry of its time line, one audit row.

The P1 gate counts the gravest severity that an incident has had. Lowering it later changes who must come how
fast, and not the gate: a P1 that was none is for the reviewer to waive, by name and with a reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from monitoring.domain.incidents import EntryKind, acknowledge_by
from monitoring.domain.observing import Severity
from monitoring.models import AlertEpisode, Incident, IncidentEntry, IncidentOutage, Outage, Slo
from tenancy.services.audit import append_audit
from tenancy.services.members import default_tenant

_ITEM_LENGTH = 500


class UnableToResolve(ValueError):
    """The incident cannot be resolved as asked; the message says why."""


class UnableToOpen(ValueError):
    """The incident cannot be opened as asked; the message says why."""


class UnableToChange(ValueError):
    """The incident cannot be changed as asked; the message says why."""


@dataclass(frozen=True, slots=True)
class PostMortem:
    """What was learned. `action_items` has one a line: what, who, until when."""

    root_cause: str = ""
    impact: str = ""
    resolution: str = ""
    action_items: str = ""


@transaction.atomic
def open_incident(
    *,
    title: str,
    severity: Severity,
    summary: str,
    opened_at: datetime,
    actor: str,
    now: datetime,
    slo: Slo | None = None,
) -> Incident:
    """This will open an incident that began at `opened_at`, which may be before anybody knew.

    Raises:
        UnableToOpen: when it would begin in the future.
    """
    if opened_at > now:
        raise UnableToOpen("An incident cannot begin in the future. Say when it began.")
    incident = Incident.objects.create(
        title=title[:200],
        severity=severity.value,
        summary=summary,
        opened_at=opened_at,
        opened_by=actor,
        created_at=now,
        acknowledge_by=acknowledge_by(severity, now),
        slo=slo,
    )
    _write(incident, EntryKind.OPENED, actor, now, summary, at=opened_at, severity=severity)
    return incident


@transaction.atomic
def acknowledge_incident(*, incident_id: int, actor: str, now: datetime) -> Incident:
    """This will note that `actor` has it.

    Raises:
        UnableToChange: when somebody has it already, or it is resolved.
    """
    incident = _locked(incident_id)
    if incident.acknowledged_at is not None:
        raise UnableToChange(f"{incident} was acknowledged already, by {incident.acknowledged_by}.")
    if incident.resolved_at is not None:
        raise UnableToChange(f"{incident} is resolved: nobody need take it on.")
    incident.acknowledged_at, incident.acknowledged_by = now, actor[:150]
    incident.save(update_fields=["acknowledged_at", "acknowledged_by"])
    _write(incident, EntryKind.ACKNOWLEDGED, actor, now)
    return incident


@transaction.atomic
def update_incident(*, incident_id: int, text: str, actor: str, now: datetime) -> IncidentEntry:
    """This will add what is known now to the time line.

    Raises:
        UnableToChange: when nothing is said.
    """
    if not text.strip():
        raise UnableToChange("Say what is new.")
    return _write(_locked(incident_id), EntryKind.UPDATED, actor, now, text.strip())


@transaction.atomic
def reclassify_incident(
    *, incident_id: int, severity: Severity, reason: str, actor: str, now: datetime
) -> Incident:
    """This will change how grave an incident is from now on; what it was before is kept.

    The time to acknowledge begins anew. The P1 gate goes on counting the gravest it has been.

    Raises:
        UnableToChange: when it is so grave already, or no reason is given.
    """
    incident, words = _locked(incident_id), _reason(reason)
    if incident.severity == severity.value:
        raise UnableToChange(f"{incident} is {severity.value} already.")
    before, incident.severity = incident.severity, severity.value
    incident.acknowledge_by = acknowledge_by(severity, now)
    incident.save(update_fields=["severity", "acknowledge_by"])
    _write(
        incident,
        EntryKind.RECLASSIFIED,
        actor,
        now,
        f"{before} to {severity.value}: {words}",
        severity=severity,
    )
    return incident


@transaction.atomic
def resolve_incident(
    *, incident_id: int, resolved_at: datetime, actor: str, now: datetime, text: str = ""
) -> Incident:
    """This will resolve an incident as of `resolved_at`.

    Raises:
        UnableToResolve: when it is resolved already, or would end before it began or in the future.
    """
    incident = _locked(incident_id)
    if incident.resolved_at is not None:
        raise UnableToResolve(
            f"{incident} was resolved already, at {incident.resolved_at:%Y-%m-%d %H:%M} UTC."
        )
    if resolved_at < incident.opened_at:
        raise UnableToResolve(f"{incident} began at {incident.opened_at:%Y-%m-%d %H:%M} UTC: it ended later.")
    if resolved_at > now:
        raise UnableToResolve("An incident cannot be resolved in the future.")
    incident.resolved_at, incident.ended_written_at = resolved_at, now
    incident.save(update_fields=["resolved_at", "ended_written_at"])
    _write(incident, EntryKind.RESOLVED, actor, now, text.strip(), at=resolved_at)
    return incident


@transaction.atomic
def reopen_incident(*, incident_id: int, reason: str, actor: str, now: datetime) -> Incident:
    """This will take a resolution back: it was not over.

    Raises:
        UnableToChange: when it is open, no reason is given, or its SLO has another incident open.
    """
    incident, words = _locked(incident_id), _reason(reason)
    if incident.resolved_at is None:
        raise UnableToChange(f"{incident} is open.")
    other = Incident.objects.open().filter(slo_id=incident.slo_id).first() if incident.slo_id else None
    if other is not None:
        raise UnableToChange(f"The same SLO has incident {other.pk} open: go on there.")
    incident.resolved_at = incident.ended_written_at = None
    incident.save(update_fields=["resolved_at", "ended_written_at"])
    _write(incident, EntryKind.REOPENED, actor, now, words)
    return incident


@transaction.atomic
def write_post_mortem(*, incident_id: int, post_mortem: PostMortem, actor: str, now: datetime) -> Incident:
    """This will keep what was learned; the time line says what was changed, in full.

    Raises:
        UnableToChange: when nothing is different.
    """
    incident = _locked(incident_id)
    changed = []
    for name in PostMortem.__slots__:
        value = getattr(post_mortem, name).strip()
        if value != getattr(incident, name):
            setattr(incident, name, value)
            changed.append(name)
    if not changed:
        raise UnableToChange("The post-mortem says this already.")
    incident.save(update_fields=changed)
    text = "\n".join(f"{name.replace('_', ' ')}: {getattr(incident, name)}" for name in changed)
    _write(incident, EntryKind.POST_MORTEM, actor, now, text)
    return incident


@transaction.atomic
def link_alert(*, incident_id: int, episode: AlertEpisode, actor: str, now: datetime) -> bool:
    """This will link an alert to an incident; False when it was linked already."""
    incident = _locked(incident_id)
    if incident.alerts.filter(pk=episode.pk).exists():
        return False
    incident.alerts.add(episode)
    _write(incident, EntryKind.LINKED, actor, now, f"Alert {episode.pk}: {episode.summary}")
    return True


@transaction.atomic
def link_outage(*, incident_id: int, outage: Outage, actor: str, now: datetime) -> IncidentOutage:
    """This will link an outage to an incident. An outage is part of one incident only.

    Raises:
        UnableToChange: when it is part of one already.
    """
    incident = _locked(incident_id)
    known = IncidentOutage.objects.filter(outage=outage).first()
    if known is not None:
        raise UnableToChange(f"Outage {outage.pk} is part of incident {known.incident_id} already.")
    link = IncidentOutage.objects.create(incident=incident, outage=outage)
    text = f"Outage {outage.pk} of {outage.endpoint.name} from {outage.first_bad_at:%Y-%m-%d %H:%M:%S} UTC."
    _write(incident, EntryKind.LINKED, actor, now, f"{text} {outage.error}".strip())
    return link


def _locked(incident_id: int) -> Incident:
    incident = Incident.objects.select_for_update().filter(pk=incident_id).first()
    if incident is None:
        raise UnableToChange(f"There is no incident {incident_id}.")
    return incident


def _reason(text: str) -> str:
    words = " ".join(text.split())
    if not words:
        raise UnableToChange("Say why, so that whoever comes next knows.")
    return words[:_ITEM_LENGTH]


def _write(
    incident: Incident,
    kind: EntryKind,
    actor: str,
    now: datetime,
    text: str = "",
    *,
    at: datetime | None = None,
    severity: Severity | None = None,
) -> IncidentEntry:
    entry = IncidentEntry.objects.create(
        incident=incident,
        kind=kind.value,
        written_at=now,
        effective_at=at or now,
        actor=actor[:150],
        text=text,
        severity=severity.value if severity else "",
    )
    metadata = {"incident": incident.pk, "title": incident.title, "severity": incident.severity, "text": text}
    append_audit(
        tenant_id=default_tenant().pk, event=f"incident_{kind.value}", actor=actor, metadata=metadata
    )
    return entry
