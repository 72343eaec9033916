"""Checkpoints and signed reviews, with their blockers and waivers. The database keeps them as they were."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from monitoring.domain.verdicts import Decision
from monitoring.models.burnin import BurnIn
from monitoring.models.verdicts import Verdict


class Checkpoint(models.Model):
    """The week in figures, with the verdict of that moment."""

    burn_in = models.ForeignKey(
        BurnIn, on_delete=models.PROTECT, related_name="checkpoints", verbose_name="burn-in"
    )
    verdict = models.ForeignKey(Verdict, on_delete=models.PROTECT, related_name="+")
    taken_at = models.DateTimeField()
    taken_by = models.CharField(max_length=150)
    # Of the one that the routine takes by itself: the moment it was due.
    scheduled_for = models.DateTimeField(null=True, blank=True)
    figures = models.JSONField()
    notes = models.TextField(blank=True, default="")

    class Meta:
        db_table = "checkpoints"
        default_permissions = ("view",)
        permissions = [("take_checkpoint", "Can take a checkpoint")]
        constraints = [
            models.UniqueConstraint(fields=["burn_in", "scheduled_for"], name="checkpoint_once_when_due"),
        ]

    def __str__(self) -> str:
        return f"checkpoint {self.taken_at:%Y-%m-%d %H:%M}"


class Review(models.Model):
    """A decision that a person signed, beside the verdict that was computed. A later one supersedes it."""

    burn_in = models.ForeignKey(
        BurnIn, on_delete=models.PROTECT, related_name="reviews", verbose_name="burn-in"
    )
    verdict = models.ForeignKey(
        Verdict, on_delete=models.PROTECT, related_name="+", verbose_name="computed verdict"
    )
    decision = models.CharField(max_length=8, choices=[(d.value, d.value) for d in Decision])
    signed_at = models.DateTimeField()
    signed_by = models.CharField(max_length=150)
    # "admin", or "command line".
    signed_through = models.CharField(max_length=32)
    note = models.TextField(blank=True, default="")
    supersedes = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="superseded_by"
    )
    plan = models.TextField("remediation plan", blank=True, default="")
    plan_owner = models.CharField(max_length=150, blank=True, default="")
    plan_due_date = models.DateField(null=True, blank=True)
    extension_days = models.PositiveSmallIntegerField(null=True, blank=True)
    next_review_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "reviews"
        default_permissions = ("view",)
        permissions = [("sign_review", "Can sign Go/No-Go reviews and waivers")]
        constraints = [
            # One line of reviews for each burn-in: the first, and each superseding the one before.
            models.UniqueConstraint(
                fields=["burn_in"], condition=Q(supersedes__isnull=True), name="review_one_first"
            ),
            models.CheckConstraint(
                name="review_no_go_has_a_plan",
                condition=Q(decision=Decision.GO.value)
                | (
                    Q(plan_due_date__isnull=False, extension_days__gte=1, next_review_at__isnull=False)
                    & ~Q(plan="")
                    & ~Q(plan_owner="")
                ),
            ),
            models.CheckConstraint(
                name="review_decision_known", condition=Q(decision__in=[d.value for d in Decision])
            ),
        ]

    def __str__(self) -> str:
        return f"review {self.signed_at:%Y-%m-%d %H:%M}: {self.decision}"


class Blocker(models.Model):
    """What stood in the way, of a checkpoint or of a review."""

    review = models.ForeignKey(
        Review, on_delete=models.PROTECT, null=True, blank=True, related_name="blockers"
    )
    checkpoint = models.ForeignKey(
        Checkpoint, on_delete=models.PROTECT, null=True, blank=True, related_name="blockers"
    )
    subject = models.CharField(max_length=64)
    text = models.TextField()

    class Meta:
        db_table = "blockers"
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(
                name="blocker_of_one",
                condition=Q(review__isnull=False, checkpoint__isnull=True)
                | Q(review__isnull=True, checkpoint__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.subject


class Waiver(models.Model):
    """One open point of the verdict that two people took into the bargain, for a while."""

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="waivers")
    # A gate or a trigger.
    subject = models.CharField(max_length=64)
    reason = models.TextField()
    expires_at = models.DateTimeField()
    signed_by = models.CharField(max_length=150)
    second_person = models.CharField(max_length=150)

    class Meta:
        db_table = "waivers"
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["review", "subject"], name="waiver_once"),
            models.CheckConstraint(
                name="waiver_by_two_people", condition=~Q(second_person="") & ~Q(second_person=F("signed_by"))
            ),
            models.CheckConstraint(name="waiver_has_a_reason", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return self.subject
