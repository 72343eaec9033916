"""Incidents."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from monitoring.domain.observing import Severity


class IncidentQuerySet(models.QuerySet["Incident"]):
    def open(self) -> IncidentQuerySet:
        """Incidents not yet resolved, the gravest first."""
        return self.filter(resolved_at__isnull=True).order_by("severity", "opened_at", "id")

    def touching(self, start: object, end: object) -> IncidentQuerySet:
        """Incidents whose time touches `[start, end)`."""
        return self.filter(Q(resolved_at__isnull=True) | Q(resolved_at__gte=start), opened_at__lt=end)


class Incident(models.Model):
    """Something that went wrong and that somebody must deal with."""

    title = models.CharField(max_length=200)
    severity = models.CharField(max_length=2, choices=[(s.value, s.value) for s in Severity])
    summary = models.TextField(blank=True, default="")
    # When it began, which may be before anybody knew.
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    opened_by = models.CharField(max_length=150, editable=False)
    # When it became known: a replay of an earlier moment leaves it out.
    created_at = models.DateTimeField(default=timezone.now, editable=False)

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
        ]
        # The P1 gate: which incidents touch the window?
        indexes = [models.Index(fields=["opened_at"], name="incident_by_time")]

    def __str__(self) -> str:
        return f"{self.severity} {self.title}"
