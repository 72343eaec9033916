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

    class Meta:
        db_table = "intel_recommendations"
        verbose_name = "recommendation"
        indexes = [models.Index(fields=["tenant", "-ts", "-id"], name="intel_recommendation_recent")]

    def __str__(self) -> str:
        return self.message[:80]
