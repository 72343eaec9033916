"""Who came back, per day, and what each source of visitors brings."""

from __future__ import annotations

from django.db import models

from tenancy.models import TenantOwned


class AnalyticsAggregate(TenantOwned):
    """Active users of one completed UTC day and of the 7 and 30 days that end with it; None is not recorded."""

    day = models.DateField("UTC day")
    dau = models.PositiveIntegerField("daily active users", null=True)
    wau = models.PositiveIntegerField("weekly active users", null=True)
    mau = models.PositiveIntegerField("monthly active users", null=True)
    # How many of the 30 days the record reaches back to.
    recorded_days = models.PositiveSmallIntegerField(default=0)
    computed_at = models.DateTimeField()

    class Meta:
        db_table = "analytics_aggregates"
        verbose_name = "day of active users"
        verbose_name_plural = "days of active users"
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["tenant", "day"], name="analytics_aggregate_once")]

    def __str__(self) -> str:
        return f"{self.day}"


class ReferralRetention(TenantOwned):
    """One source of visitors on one UTC day."""

    day = models.DateField("UTC day")
    source = models.CharField(max_length=100)
    dau = models.PositiveIntegerField("daily active users")
    wau = models.PositiveIntegerField("weekly active users")
    mau = models.PositiveIntegerField("monthly active users")
    paid = models.PositiveIntegerField("paying users")
    visits = models.PositiveIntegerField()
    signups = models.PositiveIntegerField("sign-ups")
    revenue_cents = models.BigIntegerField()
    computed_at = models.DateTimeField()

    class Meta:
        db_table = "referral_retention"
        verbose_name = "day of a source"
        verbose_name_plural = "days of sources"
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["tenant", "day", "source"], name="referral_retention_once")
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.source}"
