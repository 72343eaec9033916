"""Silences, and maintenance windows with their two switches."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from monitoring.models.alerts import AlertRule
from monitoring.models.endpoints import Endpoint


class Silence(models.Model):
    """A time in which nobody is told of some alerts. They fire and are kept all the same."""

    # Empty: every rule.
    rule = models.ForeignKey(
        AlertRule, on_delete=models.CASCADE, null=True, blank=True, related_name="silences"
    )
    subjects = models.CharField(
        max_length=200,
        blank=True,
        default="",
        help_text="A name or a pattern such as shop*. Empty: all subjects.",
    )
    starts_at = models.DateTimeField("from")
    ends_at = models.DateTimeField("to")
    reason = models.CharField(max_length=500)
    created_by = models.CharField(max_length=150, editable=False)
    created_at = models.DateTimeField(editable=False)
    ended_by = models.CharField(max_length=150, blank=True, default="", editable=False)

    class Meta:
        db_table = "alert_silences"
        constraints = [
            models.CheckConstraint(
                name="silence_ends_after_it_begins", condition=Q(ends_at__gte=F("starts_at"))
            ),
            models.CheckConstraint(name="silence_says_why", condition=~Q(reason="")),
        ]
        # Which silences are in force?
        indexes = [models.Index(fields=["ends_at"], name="silence_by_end")]

    def __str__(self) -> str:
        return f"{self.rule or 'every rule'}, {self.subjects or 'every subject'}"


class MaintenanceWindowQuerySet(models.QuerySet["MaintenanceWindow"]):
    def touching(self, start: object, end: object) -> MaintenanceWindowQuerySet:
        """Windows in force at some moment of `[start, end)`; withdrawn ones never were."""
        return self.filter(withdrawn_at__isnull=True, starts_at__lt=end, ends_at__gt=start)


class MaintenanceWindow(models.Model):
    """A time of planned work, or of trouble known afterwards. It may be marked later; who did it is kept."""

    title = models.CharField(max_length=100)
    reason = models.CharField(max_length=500)
    # All, those that are listed, or those of a component.
    all_endpoints = models.BooleanField(default=False)
    component = models.CharField(max_length=100, blank=True, default="")
    endpoints = models.ManyToManyField(Endpoint, blank=True, related_name="maintenance")
    starts_at = models.DateTimeField("from")
    ends_at = models.DateTimeField("to")
    mute_alerts = models.BooleanField(
        default=True, help_text="Nobody is told of alerts about these endpoints."
    )
    exclude_from_uptime = models.BooleanField(
        default=False, help_text="This time counts neither as up nor as down."
    )
    created_by = models.CharField(max_length=150, editable=False)
    created_at = models.DateTimeField(editable=False)
    withdrawn_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = MaintenanceWindowQuerySet.as_manager()

    class Meta:
        db_table = "maintenance_windows"
        constraints = [
            models.CheckConstraint(
                name="maintenance_ends_after_it_begins", condition=Q(ends_at__gt=F("starts_at"))
            ),
            models.CheckConstraint(name="maintenance_says_why", condition=~Q(reason="")),
        ]
        # Which windows touch a stretch of time?
        indexes = [models.Index(fields=["ends_at"], name="maintenance_by_end")]

    def __str__(self) -> str:
        return self.title

    @property
    def retroactive(self) -> bool:
        """Whether it was marked after it had begun."""
        return self.created_at > self.starts_at

    def concerns(self, endpoint: Endpoint) -> bool:
        """Whether it is for `endpoint`. No query when the endpoints are prefetched."""
        if self.all_endpoints or (self.component and self.component == endpoint.component):
            return True
        return any(one.pk == endpoint.pk for one in self.endpoints.all())
