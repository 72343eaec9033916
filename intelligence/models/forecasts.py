"""Forecasts."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from intelligence.domain.words import Measure
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


class SeriesForecast(TenantOwned):
    """What was expected of one measure, day by day, and later what came."""

    measure = models.CharField(max_length=16, choices=[(m.value, m.value.replace("_", " ")) for m in Measure])
    ts = models.DateTimeField()
    # The first day that is forecast, UTC.
    starts_on = models.DateField()
    horizon_days = models.PositiveSmallIntegerField()
    # Sums over the horizon; of rates and people their mean. None: there is no forecast, and `explanation` says why.
    predicted = models.FloatField(null=True, blank=True)
    low = models.FloatField(null=True, blank=True)
    high = models.FloatField(null=True, blank=True)
    # [[mean, low, high], …], one a day.
    path = models.JSONField(default=list)
    method = models.CharField(max_length=32)
    data_points = models.PositiveIntegerField()
    confidence = models.FloatField()
    backtest_error = models.FloatField(null=True, blank=True)
    explanation = models.TextField()
    # Once the horizon is over and known: what came.
    actual = models.FloatField(null=True, blank=True)
    scored_at = models.DateTimeField(null=True, blank=True)
    within = models.BooleanField("within the interval", null=True, blank=True)

    class Meta:
        db_table = "series_forecasts"
        verbose_name = "forecast by day"
        verbose_name_plural = "forecasts by day"
        default_permissions = ("view",)
        constraints = [
            # A job that runs twice forecasts once.
            models.UniqueConstraint(
                fields=["tenant", "measure", "starts_on", "horizon_days"], name="series_forecast_once"
            )
        ]
        indexes = [models.Index(fields=["tenant", "-ts"], name="series_forecast_recent")]

    def __str__(self) -> str:
        return f"{self.measure} from {self.starts_on}"
