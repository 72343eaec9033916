"""The burn-in and the policy it is judged by."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from monitoring.domain.burnin import BurnInState
from monitoring.domain.occasions import BurnInChangeKind


class GatePolicy(models.Model):
    """One version of the criteria. Never edited: a change is a new version."""

    version = models.PositiveIntegerField(unique=True)
    # As `domain.policy.Policy.to_dict()` writes it.
    criteria = models.JSONField()
    note = models.CharField(max_length=200, blank=True, default="")
    created_by = models.CharField(max_length=150)
    # When it came into force: a replay of an earlier moment judges by the version before.
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "gate_policies"
        verbose_name_plural = "gate policies"

    def __str__(self) -> str:
        return f"policy {self.version}"


class BurnInQuerySet(models.QuerySet["BurnIn"]):
    def current(self) -> BurnInQuerySet:
        """The burn-in that the board is about; none or one."""
        return self.filter(is_current=True)


class BurnIn(models.Model):
    """Some days under observation, at the end of which people decide."""

    name = models.CharField(max_length=100, unique=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    review_at = models.DateTimeField()
    policy = models.ForeignKey(GatePolicy, on_delete=models.PROTECT, related_name="burn_ins")
    state = models.CharField(
        max_length=16, choices=[(s.value, s.value) for s in BurnInState], default=BurnInState.RUNNING.value
    )
    outcome = models.CharField(max_length=8, blank=True, default="")
    is_current = models.BooleanField(default=True)

    objects = BurnInQuerySet.as_manager()

    class Meta:
        db_table = "burn_ins"
        verbose_name = "burn-in"
        constraints = [
            models.UniqueConstraint(
                fields=["is_current"], condition=Q(is_current=True), name="burn_in_one_current"
            ),
            models.CheckConstraint(
                name="burn_in_ends_after_it_begins", condition=Q(ends_at__gt=F("starts_at"))
            ),
            models.CheckConstraint(name="burn_in_review_after_end", condition=Q(review_at__gte=F("ends_at"))),
        ]

    def __str__(self) -> str:
        return self.name


class BurnInChange(models.Model):
    """How a burn-in stood from `at` on: a row for each change, so that the past can be judged as it was."""

    burn_in = models.ForeignKey(BurnIn, on_delete=models.PROTECT, related_name="changes")
    at = models.DateTimeField()
    kind = models.CharField(max_length=16, choices=[(k.value, k.value) for k in BurnInChangeKind])
    actor = models.CharField(max_length=150)
    note = models.TextField(blank=True, default="")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    review_at = models.DateTimeField()
    policy = models.ForeignKey(GatePolicy, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=16, choices=[(s.value, s.value) for s in BurnInState])

    class Meta:
        db_table = "burn_in_changes"
        verbose_name = "change of a burn-in"
        verbose_name_plural = "changes of burn-ins"
        default_permissions = ("view",)
        # Which burn-in, under which policy, was current at a moment?
        indexes = [models.Index(fields=["at"], name="burn_in_change_by_time")]

    def __str__(self) -> str:
        return f"{self.burn_in_id} {self.kind} {self.at:%Y-%m-%d %H:%M}"
