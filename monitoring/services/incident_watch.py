"""Opens the incidents that nobody need decide about: long outages, and alerts whose rule says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F

from monitoring.domain.figures import counted, duration
from monitoring.domain.incidents import DOWN_TOO_LONG
from monitoring.domain.observing import Severity
from monitoring.domain.windows import Window, subtract, total_duration, union, window_or_none
from monitoring.models import AlertEpisode, Incident, IncidentOutage, Outage
from monitoring.services.incidents import (
    link_alert,
    link_outage,
    open_incident,
    resolve_incident,
    update_incident,
)
from monitoring.services.maintenance import excluded_times
from tenancy.context import control_transaction

ACTOR = "incident watch"
# No further back than a verdict or a report looks.
_LOOKS_BACK = timedelta(days=35)
# What ended longer ago than this (imported history) is resolved as it is opened: nobody can act on it.
_HISTORY = timedelta(days=1)
_LOCK = "SELECT pg_advisory_xact_lock(1768842098)"


@dataclass(slots=True)
class Watched:
    """What one look brought."""

    opened: list[Incident] = field(default_factory=list)
    joined: int = 0
    recovered: int = 0

    @property
    def sentence(self) -> str:
        """One sentence for the log."""
        return (
            f"{counted(len(self.opened), 'incident')} opened, {counted(self.joined, 'outage')} joined, "
            f"{counted(self.recovered, 'end')} noted."
        )


def watch_incidents(*, now: datetime) -> Watched:
    """This will open a P1 for every critical endpoint that was surely down for more than five minutes, dated
    back to its first bad probe, and an incident for every alert whose rule asks for one.

    Outages that overlap are one incident, as they are one downtime of the platform. Safe to call at any time,
    any number of times: an outage is part of one incident, by a constraint. Four queries when nothing is new.
    """
    with control_transaction("incidents"):
        with connection.cursor() as cursor:
            cursor.execute(_LOCK)
        seen = Watched()
        _open_for_outages(seen, now)
        _open_for_alerts(seen, now)
        _note_recoveries(seen, now)
        return seen


def _open_for_outages(seen: Watched, now: datetime) -> None:
    rows = list(
        Outage.objects.confirmed()
        .filter(
            endpoint__critical=True,
            incident_link__isnull=True,
            last_bad_at__gt=F("first_bad_at") + DOWN_TOO_LONG,
            first_bad_at__range=(now - _LOOKS_BACK, now),
        )
        .select_related("endpoint")
        .order_by("first_bad_at", "id")
    )
    if not rows:
        return
    span = Window(min(row.first_bad_at for row in rows), max(row.last_bad_at for row in rows))
    planned = excluded_times([row.endpoint for row in rows], span)
    for row in rows:
        if _surely_down(row, planned) > DOWN_TOO_LONG:
            _open_or_join(row, seen, now)


def _surely_down(row: Outage, planned: Mapping[int, Iterable[Window]]) -> timedelta:
    """How long the endpoint was down at least, without what was planned and what nobody saw."""
    window = window_or_none(row.first_bad_at, row.last_bad_at)
    down = subtract((window,) if window else (), union(planned.get(row.endpoint_id, ())))
    return total_duration(down) - timedelta(seconds=row.unseen_s)


def _open_or_join(row: Outage, seen: Watched, now: datetime) -> None:
    incident = _of_the_same_time(row)
    if incident is not None:
        link_outage(incident_id=incident.pk, outage=row, actor=ACTOR, now=now)
        seen.joined += 1
        return
    endpoint = row.endpoint
    incident = open_incident(
        title=f"{endpoint.name} is down",
        severity=Severity.P1,
        summary=f"{endpoint.name} has been down for more than {duration(DOWN_TOO_LONG.total_seconds())}: "
        f"{row.error or 'it does not answer as it should'}",
        opened_at=row.first_bad_at,
        actor=ACTOR,
        now=now,
    )
    link_outage(incident_id=incident.pk, outage=row, actor=ACTOR, now=now)
    seen.opened.append(incident)
    if row.first_good_at is not None and row.first_good_at < now - _HISTORY:
        text = "It was over when it became known."
        resolve_incident(
            incident_id=incident.pk, resolved_at=row.first_good_at, actor=ACTOR, now=now, text=text
        )


def _of_the_same_time(row: Outage) -> Incident | None:
    """The automatic incident of an outage that overlaps this one."""
    end = row.first_good_at or row.last_bad_at
    others = IncidentOutage.objects.filter(
        outage__first_bad_at__lt=end, incident__opened_by=ACTOR, incident__severity=Severity.P1.value
    ).exclude(outage__first_good_at__lte=row.first_bad_at)
    link = others.select_related("incident").order_by("outage__first_bad_at", "id").first()
    return link.incident if link else None


def _open_for_alerts(seen: Watched, now: datetime) -> None:
    episodes = AlertEpisode.objects.filter(
        rule__opens_incident=True, incidents__isnull=True, resolved_at__isnull=True, fired_at__lte=now
    )
    for episode in episodes.order_by("fired_at", "id"):
        incident = open_incident(
            title=f"Alert {episode.rule_key}: {episode.subject_name}",
            severity=Severity(episode.severity),
            summary=episode.summary,
            opened_at=min(episode.breached_since, now),
            actor=ACTOR,
            now=now,
        )
        link_alert(incident_id=incident.pk, episode=episode, actor=ACTOR, now=now)
        seen.opened.append(incident)


def _note_recoveries(seen: Watched, now: datetime) -> None:
    """The time line says when an endpoint answers again; that the incident is over, a person says."""
    links = IncidentOutage.objects.filter(
        end_noted_at__isnull=True, outage__first_good_at__isnull=False
    ).select_related("outage__endpoint", "incident")
    for link in links.order_by("id"):
        if link.incident.resolved_at is None:
            text = (
                f"{link.outage.endpoint.name} answers again since {link.outage.first_good_at:%H:%M:%S} UTC."
            )
            update_incident(incident_id=link.incident_id, text=text, actor=ACTOR, now=now)
        link.end_noted_at = now
        link.save(update_fields=["end_noted_at"])
        seen.recovered += 1
