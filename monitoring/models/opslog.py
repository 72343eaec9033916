"""The ops log: what was done and seen, in order, never changed."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q

from monitoring.domain.opslog import OpsKind


class OpsLogQuerySet(models.QuerySet["OpsLogEntry"]):
    def newest_first(self) -> OpsLogQuerySet:
        """The log from its end."""
        return self.order_by("-at", "-id")

    def heals(self, start: datetime, end: datetime) -> OpsLogQuerySet:
        """Self-heal actions in `[start, end)`."""
        return self.filter(kind=OpsKind.HEAL.value, at__gte=start, at__lt=end)


class OpsLogEntry(models.Model):
    """One entry. The database refuses to change or delete it: a mistake is mended by a further entry."""

    at = models.DateTimeField()
    kind = models.CharField(max_length=16, choices=[(k.value, k.value) for k in OpsKind])
    # Of a self-heal: on what.
    subsystem = models.CharField(max_length=64, blank=True, default="")
    # The name is copied: the log outlives the account.
    actor = models.CharField(max_length=150)
    text = models.TextField()
    data = models.JSONField(default=dict, blank=True)
    # Of a daily check: its UTC day.
    day = models.DateField("UTC day", null=True, blank=True)
    amends = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="amendments"
    )

    objects = OpsLogQuerySet.as_manager()

    class Meta:
        db_table = "ops_log"
        verbose_name = "ops log entry"
        verbose_name_plural = "ops log entries"
        default_permissions = ("view", "add")
        permissions = [("record_daily_check", "Can record and amend the daily check")]
        constraints = [
            models.UniqueConstraint(
                fields=["day"], condition=Q(kind=OpsKind.DAILY.value), name="ops_log_one_daily_check"
            ),
            models.CheckConstraint(
                name="ops_log_daily_check_has_its_day",
                condition=Q(kind=OpsKind.DAILY.value, day__isnull=False)
                | (~Q(kind=OpsKind.DAILY.value) & Q(day__isnull=True)),
            ),
            models.CheckConstraint(
                name="ops_log_amendment_says_of_what",
                condition=Q(kind=OpsKind.AMENDMENT.value, amends__isnull=False)
                | (~Q(kind=OpsKind.AMENDMENT.value) & Q(amends__isnull=True)),
            ),
            models.CheckConstraint(
                name="ops_log_kind_known", condition=Q(kind__in=[k.value for k in OpsKind])
            ),
        ]
        # The heals of the past seven days; the log, newest first.
        indexes = [
            models.Index(fields=["kind", "at"], name="ops_log_by_kind"),
            models.Index(fields=["-at", "-id"], name="ops_log_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M}"
