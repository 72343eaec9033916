"""Recommendations."""

from __future__ import annotations

from django.db import models

from intelligence.domain.words import Priority, RecommendationState
from tenancy.models import TenantOwned


class IntelRecommendation(TenantOwned):
    """Something a person should consider, and why."""

    type = models.CharField(max_length=64)
    priority = models.CharField(max_length=8, choices=[(p.value, p.value) for p in Priority])
    message = models.TextField()
    metric = models.CharField(max_length=100, blank=True, default="")
    evidence = models.JSONField(default=dict, blank=True)
    state = models.CharField(
        max_length=16,
        choices=[(s.value, s.value) for s in RecommendationState],
        default=RecommendationState.OPEN.value,
    )
    # The run that wrote it together with others.
    batch = models.UUIDField(null=True, blank=True)
    ts = models.DateTimeField()
    # What it is about, such as `certificate:12`: a standing one is updated, not repeated. Empty for programs'.
    key = models.CharField(max_length=150, blank=True, default="")
    first_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "intel_recommendations"
        verbose_name = "recommendation"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "key"],
                condition=models.Q(state=RecommendationState.OPEN.value) & ~models.Q(key=""),
                name="intel_recommendation_stands_once",
            )
        ]
        indexes = [models.Index(fields=["tenant", "-ts", "-id"], name="intel_recommendation_recent")]

    def __str__(self) -> str:
        return self.message[:80]


class RecommendationBatch(TenantOwned):
    """What one run of the decision engine recommended, as a list, with the risk score it was made at."""

    ts = models.DateTimeField()
    recommendations = models.JSONField(default=list)
    # 0 to 100, higher is safer.
    risk_score = models.PositiveSmallIntegerField()
    risk_level = models.CharField(max_length=8)
    deductions = models.JSONField(default=list)

    class Meta:
        db_table = "recommendation_batches"
        verbose_name = "recommendation batch"
        verbose_name_plural = "recommendation batches"
        default_permissions = ("view",)
        indexes = [models.Index(fields=["tenant", "-ts"], name="recommendation_batch_recent")]

    def __str__(self) -> str:
        return f"{self.ts:%Y-%m-%d %H:%M}"
