"""The cost ledger."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from monitoring.domain.costs import CostKind


class CostEntry(models.Model):
    """What one service cost on one UTC day, and how we know."""

    day = models.DateField("UTC day")
    service = models.CharField(max_length=64)
    amount = models.DecimalField(max_digits=12, decimal_places=4, validators=[MinValueValidator(Decimal(0))])
    currency = models.CharField(max_length=3, default="USD", editable=False)
    kind = models.CharField(max_length=16, choices=[(k.value, k.value) for k in CostKind])
    # What wrote it: "fixed_costs", "csv", "api", a person's name.
    source = models.CharField(max_length=64)
    note = models.CharField(max_length=200, blank=True, default="")
    # When it became known: a replay of an earlier moment leaves it out.
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "cost_entries"
        verbose_name_plural = "cost entries"
        constraints = [
            # Writing the same entry again changes it instead of adding to it.
            models.UniqueConstraint(fields=["day", "service", "source"], name="cost_entry_once"),
            models.CheckConstraint(name="cost_entry_not_negative", condition=Q(amount__gte=0)),
            models.CheckConstraint(name="cost_entry_in_dollars", condition=Q(currency="USD")),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.service} {self.amount}"


class FixedCost(models.Model):
    """Something that costs the same every day, such as a database server."""

    service = models.CharField(max_length=64, unique=True)
    daily_amount = models.DecimalField(
        max_digits=12, decimal_places=4, validators=[MinValueValidator(Decimal(0))]
    )
    starts_on = models.DateField(null=True, blank=True, help_text="Empty: since always.")
    ends_on = models.DateField(
        null=True, blank=True, help_text="The last day it is paid. Empty: until further notice."
    )

    class Meta:
        db_table = "fixed_costs"
        constraints = [
            models.CheckConstraint(name="fixed_cost_not_negative", condition=Q(daily_amount__gte=0))
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.daily_amount} a day"
