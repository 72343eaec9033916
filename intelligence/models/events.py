"""Anomalies."""

from __future__ import annotations

from django.db import models

from tenancy.models import TenantOwned


class IntelEvent(TenantOwned):
    """A value that did not fit what was known of its series."""

    event = models.CharField(max_length=100)
    value = models.FloatField()
    # What was expected: the baseline.
    mean = models.FloatField(null=True)
    ts = models.DateTimeField()
    component = models.CharField(max_length=100, blank=True, default="")
    severity = models.CharField(max_length=2, blank=True, default="")
    # The series that the portal watched; empty for what programs record.
    series = models.CharField(max_length=100, blank=True, default="")
    # Score, tail probability, direction, the detector's terms, the baseline window, as far as known.
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        db_table = "intel_events"
        verbose_name = "anomaly"
        verbose_name_plural = "anomalies"
        # A cycle that runs twice finds the same anomaly once.
        constraints = [
            models.UniqueConstraint(
                fields=["series", "ts"], condition=~models.Q(series=""), name="intel_event_sample_once"
            )
        ]
        # The API's list: newest first within a tenant, of everything, of a component, of a severity.
        indexes = [
            models.Index(fields=["tenant", "-ts", "-id"], name="intel_event_recent"),
            models.Index(fields=["tenant", "component", "-ts", "-id"], name="intel_event_component"),
            models.Index(fields=["tenant", "severity", "-ts", "-id"], name="intel_event_severity"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.value:g}"
