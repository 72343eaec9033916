"""Forecasts."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenancy.models import TenantOwned


class AiForecast(TenantOwned):
    """What was expected of the days to come, as it was said then."""

    # US dollars over the horizon.
    predicted_revenue = models.FloatField()
    # Percent of members, 0 to 100.
    churn_rate = models.FloatField()
    horizon_days = models.PositiveIntegerField()
    ts = models.DateTimeField()
    low = models.FloatField(null=True, blank=True)
    high = models.FloatField(null=True, blank=True)
    method = models.CharField(max_length=64, blank=True, default="")
    data_points = models.PositiveIntegerField(null=True, blank=True)
    confidence = models.FloatField(null=True, blank=True)
    backtest_error = models.FloatField(null=True, blank=True)

    class Meta:
        db_table = "ai_forecasts"
        verbose_name = "forecast"
        constraints = [
            models.CheckConstraint(
                name="forecast_churn_is_percent", condition=Q(churn_rate__gte=0, churn_rate__lte=100)
            ),
            models.CheckConstraint(name="forecast_horizon_positive", condition=Q(horizon_days__gte=1)),
        ]
        indexes = [models.Index(fields=["tenant", "-ts", "-id"], name="ai_forecast_recent")]

    def __str__(self) -> str:
        return f"{self.ts:%Y-%m-%d} + {self.horizon_days} d"
