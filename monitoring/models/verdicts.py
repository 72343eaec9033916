"""Stored verdicts: a chain that nobody can change, each with the rows it rests on."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from monitoring.domain.occasions import Occasion
from monitoring.domain.verdict_record import FIRST_PREVIOUS
from monitoring.domain.verdicts import Decision


class VerdictQuerySet(models.QuerySet["Verdict"]):
    def newest_first(self) -> VerdictQuerySet:
        """The chain from its end, without the long record."""
        return self.defer("record").order_by("-number")

    def chain(self) -> VerdictQuerySet:
        """The chain from its beginning, whole."""
        return self.order_by("number")


class Verdict(models.Model):
    """One stored verdict. `record` is what was hashed; the other columns repeat parts of it for lists.

    The database refuses a row that does not continue the chain, and every change of one that is there.
    """

    # 1, 2, 3 … : a missing number is a missing verdict.
    number = models.PositiveBigIntegerField(primary_key=True)
    occasion = models.CharField(max_length=16, choices=[(o.value, o.value) for o in Occasion])
    # The name is copied: the chain outlives the burn-in.
    burn_in = models.CharField("burn-in", max_length=100, blank=True, default="")
    judged_at = models.DateTimeField()
    stored_at = models.DateTimeField()
    stored_by = models.CharField(max_length=150)
    window_start = models.DateTimeField()
    window_end = models.DateTimeField()
    decision = models.CharField(max_length=8, choices=[(d.value, d.value) for d in Decision])
    conclusive = models.BooleanField()
    within = models.PositiveSmallIntegerField()
    proven = models.PositiveSmallIntegerField()
    policy_version = models.PositiveIntegerField()
    code_version = models.CharField(max_length=100)
    # Canonical JSON (RFC 8785): decision, readings, evidence, policy, code, Merkle root of the rows.
    record = models.TextField()
    hash = models.CharField("SHA-256", max_length=64, unique=True)
    # Unique: two verdicts cannot follow the same one.
    previous_hash = models.CharField(max_length=64, unique=True)

    objects = VerdictQuerySet.as_manager()

    class Meta:
        db_table = "verdicts"
        default_permissions = ("view",)
        permissions = [
            ("replay_verdict", "Can replay verdicts and judge under other limits"),
            ("export_evidence", "Can download the evidence of a verdict"),
        ]
        constraints = [
            models.CheckConstraint(name="verdict_number_from_one", condition=Q(number__gte=1)),
            models.CheckConstraint(
                name="verdict_first_has_no_previous",
                condition=Q(number=1, previous_hash=FIRST_PREVIOUS)
                | (Q(number__gt=1) & ~Q(previous_hash=FIRST_PREVIOUS)),
            ),
            models.CheckConstraint(
                name="verdict_occasion_known", condition=Q(occasion__in=[o.value for o in Occasion])
            ),
            models.CheckConstraint(
                name="verdict_go_is_proven",
                condition=~Q(decision=Decision.GO.value) | Q(within=5, proven=5, conclusive=True),
            ),
        ]
        # The routine: the last verdict of an occasion, of a moment.
        indexes = [models.Index(fields=["occasion", "-judged_at"], name="verdict_by_occasion")]

    def __str__(self) -> str:
        return f"verdict {self.number}: {self.decision}"


class VerdictRows(models.Model):
    """The rows a verdict rests on, as they were when it was judged; apart, because they are many."""

    verdict = models.OneToOneField(
        Verdict, on_delete=models.PROTECT, primary_key=True, related_name="evidence_rows"
    )
    row_count = models.PositiveIntegerField()
    # zlib over one line of JSON a row, in the order of the Merkle leaves.
    packed = models.BinaryField()

    class Meta:
        db_table = "verdict_rows"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.row_count} rows of verdict {self.verdict_id}"
