"""Self-healing actions."""

from __future__ import annotations

from django.db import models

from tenancy.models import TenantOwned


class IntelAction(TenantOwned):
    """Something the portal did, or proposed to do, about an anomaly or an alert."""

    action = models.CharField(max_length=100)
    metadata = models.JSONField(default=dict, blank=True)
    ts = models.DateTimeField()
    subsystem = models.CharField(max_length=100, blank=True, default="")

    # The alert it is about, by its number: what is copied outlives the alert. Empty for everything else.
    alert_episode = models.BigIntegerField(null=True, blank=True)

    class Meta:
        db_table = "intel_actions"
        verbose_name = "action"
        constraints = [
            # However often alerts are read, each becomes one action.
            models.UniqueConstraint(
                fields=["alert_episode"],
                condition=models.Q(alert_episode__isnull=False),
                name="intel_action_alert_once",
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "-ts", "-id"], name="intel_action_recent"),
            # The judge's trigger: repeated heals on one subsystem.
            models.Index(fields=["subsystem", "ts"], name="intel_action_subsystem"),
        ]

    def __str__(self) -> str:
        return self.action
