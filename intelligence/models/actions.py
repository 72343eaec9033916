"""Self-healing: the rules, and what was done or proposed by them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from intelligence.domain.healing import ActionState, HealKind, HealTrigger
from intelligence.domain.series import SeriesKind
from intelligence.models.events import IntelEvent
from monitoring.domain.observing import Severity
from tenancy.models import TenantOwned


class HealRule(models.Model):
    """Which finding leads to which action. `target` is the webhook's URL, or the name of a command or task."""

    name = models.CharField(max_length=100, unique=True)
    enabled = models.BooleanField(default=True)
    trigger = models.CharField(max_length=8, choices=[(t.value, t.value) for t in HealTrigger])
    series_kind = models.CharField(
        max_length=16,
        choices=[(k.value, k.value) for k in SeriesKind],
        blank=True,
        default="",
        help_text="Of anomalies. Empty: every kind of series.",
    )
    component = models.CharField(max_length=100, blank=True, default="", help_text="Empty: every component.")
    least_severity = models.CharField(
        max_length=2, choices=[(s.value, s.value) for s in Severity], default=Severity.P3.value
    )
    kind = models.CharField(max_length=8, choices=[(k.value, k.value) for k in HealKind])
    target = models.CharField(
        max_length=2000,
        blank=True,
        default="",
        help_text="webhook: its URL. celery: restart_workers. command: a name from HEAL_COMMANDS.",
    )
    destructive = models.BooleanField(default=False, help_text="Needs a person's approval every time.")
    dry_run = models.BooleanField(default=True, help_text="Says what it would do, and does not do it.")
    verify_after_minutes = models.PositiveSmallIntegerField(default=15)

    class Meta:
        db_table = "heal_rules"
        verbose_name = "healing rule"

    def __str__(self) -> str:
        return self.name


class IntelAction(TenantOwned):
    """Something the portal did, or proposed to do, about an anomaly or an alert."""

    action = models.CharField(max_length=100)
    metadata = models.JSONField(default=dict, blank=True)
    ts = models.DateTimeField()
    subsystem = models.CharField(max_length=100, blank=True, default="")

    # The alert it is about, by its number: what is copied outlives the alert. Empty for everything else.
    alert_episode = models.BigIntegerField(null=True, blank=True)

    # Of healing; empty for what programs record and for the notes of alerts.
    state = models.CharField(
        max_length=16, choices=[(s.value, s.value) for s in ActionState], blank=True, default=""
    )
    kind = models.CharField(
        max_length=8, choices=[(k.value, k.value) for k in HealKind], blank=True, default=""
    )
    rule = models.ForeignKey(HealRule, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    event = models.ForeignKey(
        IntelEvent, on_delete=models.PROTECT, null=True, blank=True, related_name="actions"
    )
    # The alert that a rule answered; `alert_episode` is its note.
    heals_alert = models.BigIntegerField(null=True, blank=True)
    cause = models.TextField(blank=True, default="")
    # Why it was skipped, waits or failed.
    why = models.TextField(blank=True, default="")
    dry_run_result = models.JSONField(default=dict, blank=True)
    destructive = models.BooleanField(default=False)
    is_dry_run = models.BooleanField(default=False)
    approved_by = models.CharField(max_length=150, blank=True, default="")
    began_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    verify_at = models.DateTimeField(null=True, blank=True)
    # Whether the metric came back; None until it was looked at, or when it could not be told.
    recovered = models.BooleanField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    verification = models.TextField(blank=True, default="")

    class Meta:
        db_table = "intel_actions"
        verbose_name = "action"
        permissions = [("approve_action", "Can approve an action that heals")]
        constraints = [
            # However often alerts are read, each becomes one action.
            models.UniqueConstraint(
                fields=["alert_episode"],
                condition=Q(alert_episode__isnull=False),
                name="intel_action_alert_once",
            ),
            # A cycle that runs twice proposes once.
            models.UniqueConstraint(
                fields=["rule", "event"], condition=Q(event__isnull=False), name="intel_action_event_once"
            ),
            models.UniqueConstraint(
                fields=["rule", "heals_alert"],
                condition=Q(heals_alert__isnull=False),
                name="intel_action_heals_alert_once",
            ),
            # Whatever runs at once: one action at a time on one subsystem.
            models.UniqueConstraint(
                fields=["subsystem"],
                condition=Q(state=ActionState.EXECUTING.value),
                name="intel_action_one_at_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-ts", "-id"], name="intel_action_recent"),
            # The judge's trigger: repeated heals on one subsystem.
            models.Index(fields=["subsystem", "ts"], name="intel_action_subsystem"),
            models.Index(
                fields=["verify_at"],
                condition=Q(verify_at__isnull=False, verified_at__isnull=True),
                name="intel_action_to_verify",
            ),
        ]

    def __str__(self) -> str:
        return self.action
