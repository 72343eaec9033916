"""What people did with the product: the ground of growth and retention figures."""

from __future__ import annotations

from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import Q

from intelligence.domain.growth import GrowthKind
from tenancy.models import TenantOwned


class GrowthEvent(TenantOwned):
    """One step of one person: a visit, a sign-up, a day of use, a payment."""

    kind = models.CharField(max_length=8, choices=[(k.value, k.value) for k in GrowthKind])
    # The caller's own name for the person, never an e-mail address.
    user = models.CharField(max_length=100)
    source = models.CharField(max_length=100, blank=True, default="")
    campaign = models.CharField(max_length=100, blank=True, default="")
    plan = models.CharField(max_length=100, blank=True, default="")
    # What was paid, in US cents; only a payment has it.
    revenue_cents = models.PositiveBigIntegerField(null=True, blank=True)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=TransactionNow(), editable=False)

    class Meta:
        db_table = "growth_events"
        constraints = [
            # The same step told again is the same step.
            models.UniqueConstraint(fields=["tenant", "user", "kind", "at"], name="growth_event_once"),
            models.CheckConstraint(
                name="growth_event_kind_known", condition=Q(kind__in=[k.value for k in GrowthKind])
            ),
            models.CheckConstraint(
                name="growth_event_revenue_of_payments",
                condition=Q(revenue_cents__isnull=True) | Q(kind=GrowthKind.PAID.value),
            ),
        ]
        # Cohorts and daily counts: all steps of one kind in a stretch of time.
        indexes = [models.Index(fields=["tenant", "kind", "at"], name="growth_event_by_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.user} {self.at:%Y-%m-%d}"
