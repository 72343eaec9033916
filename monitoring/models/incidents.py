"""Incidents, their time lines, and the outages they are about."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Prefetch, Q
from django.utils import timezone

from monitoring.domain.incidents import Entry as EntryFacts
from monitoring.domain.incidents import EntryKind, Known, known_at
from monitoring.domain.observing import Severity
from monitoring.models.alerts import AlertEpisode
from monitoring.models.outages import Outage
from monitoring.models.slo import Slo

_SEVERITIES = [(s.value, s.value) for s in Severity]


class IncidentQuerySet(models.QuerySet["Incident"]):
    def open(self) -> IncidentQuerySet:
        """Incidents not yet resolved, the gravest first."""
        return self.filter(resolved_at__isnull=True).order_by("severity", "opened_at", "id")

    def touching(self, start: object, end: object) -> IncidentQuerySet:
        """Incidents whose time touches `[start, end)`."""
        return self.filter(Q(resolved_at__isnull=True) | Q(resolved_at__gte=start), opened_at__lt=end)

    def with_story(self) -> IncidentQuerySet:
        """Incidents with their entries, in the order in which they were written. One more query."""
        entries = IncidentEntry.objects.order_by("written_at", "id")
        return self.prefetch_related(Prefetch("entries", queryset=entries))

    def perhaps_touching(self, start: object, end: object) -> IncidentQuerySet:
        """Incidents that touch `[start, end)` now, or may have as it was known earlier: see `known_at`."""
        ended_before = Q(resolved_at__lt=start, ended_written_at__lt=start)
        return self.filter(opened_at__lt=end).exclude(ended_before)


class Incident(models.Model):
    """Something that went wrong and that somebody must deal with."""

    title = models.CharField(max_length=200)
    # As it is classified now. What it once was, the entries tell; the gate counts the gravest.
    severity = models.CharField(max_length=2, choices=_SEVERITIES)
    summary = models.TextField(blank=True, default="")
    # When it began, which may be before anybody knew.
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    # When its end was written down, which may be later than it came.
    ended_written_at = models.DateTimeField(null=True, blank=True, editable=False)
    opened_by = models.CharField(max_length=150, editable=False)
    # When it became known: a replay of an earlier moment leaves it out.
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    acknowledge_by = models.DateTimeField(null=True, blank=True, editable=False)
    acknowledged_at = models.DateTimeField(null=True, blank=True, editable=False)
    acknowledged_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    # The post-mortem.
    root_cause = models.TextField(blank=True, default="")
    impact = models.TextField(blank=True, default="")
    resolution = models.TextField(blank=True, default="")
    action_items = models.TextField(blank=True, default="", help_text="One a line: what, who, until when.")
    # What opened it, where nobody did.
    slo = models.ForeignKey(
        Slo, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="incidents"
    )
    alerts = models.ManyToManyField(AlertEpisode, blank=True, editable=False, related_name="incidents")

    objects = IncidentQuerySet.as_manager()

    class Meta:
        db_table = "incidents"
        constraints = [
            models.CheckConstraint(
                name="incident_ends_after_it_begins",
                condition=Q(resolved_at__isnull=True) | Q(resolved_at__gte=F("opened_at")),
            ),
            models.CheckConstraint(
                name="incident_severity_known", condition=Q(severity__in=[s.value for s in Severity])
            ),
            # However many evaluate at once, an SLO has one open incident.
            models.UniqueConstraint(
                fields=["slo"], condition=Q(resolved_at__isnull=True), name="incident_open_once_by_slo"
            ),
        ]
        # The P1 gate: which incidents touch the window?
        indexes = [models.Index(fields=["opened_at"], name="incident_by_time")]

    def __str__(self) -> str:
        return f"{self.severity} {self.title}"

    def known_at(self, at: datetime) -> Known | None:
        """What was known of it at `at`, by its entries; None when it was not there yet.

        No query after `with_story()`. Without any entry (a row of before there were entries) what stands
        now.
        """
        entries = [entry.facts for entry in self.entries.all()]
        if entries:
            return known_at(entries, at)
        severity = Severity(self.severity)
        return Known(severity, severity, self.acknowledged_at, self.resolved_at)


class IncidentEntry(models.Model):
    """One entry of an incident's time line. Append-only: the database refuses to change or delete it."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=16, choices=[(k.value, k.label) for k in EntryKind])
    # When it was written, and the moment it is about.
    written_at = models.DateTimeField()
    effective_at = models.DateTimeField()
    actor = models.CharField(max_length=150)
    text = models.TextField(blank=True, default="")
    # Of the entries that open and re-classify.
    severity = models.CharField(max_length=2, choices=_SEVERITIES, blank=True, default="")

    class Meta:
        db_table = "incident_entries"
        verbose_name_plural = "incident entries"
        constraints = [
            models.CheckConstraint(
                name="incident_entry_says_severity",
                condition=~Q(kind__in=[EntryKind.OPENED.value, EntryKind.RECLASSIFIED.value])
                | ~Q(severity=""),
            )
        ]
        # The time line of one incident, in its order.
        indexes = [models.Index(fields=["incident", "written_at", "id"], name="incident_entry_in_order")]

    def __str__(self) -> str:
        return f"{self.written_at:%Y-%m-%d %H:%M:%S} {self.kind}"

    @property
    def facts(self) -> EntryFacts:
        """The entry as the domain reads it."""
        return EntryFacts(
            EntryKind(self.kind),
            self.written_at,
            self.effective_at,
            Severity(self.severity) if self.severity else None,
        )


class IncidentOutage(models.Model):
    """An outage that an incident is about."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="outage_links")
    # An outage is part of one incident: however often the watcher looks, it opens one.
    outage = models.OneToOneField(Outage, on_delete=models.PROTECT, related_name="incident_link")
    # Written when the time line says that it is over.
    end_noted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "incident_outages"

    def __str__(self) -> str:
        return f"{self.incident_id}: outage {self.outage_id}"
