"""Healing rules, and scaling checks."""

from __future__ import annotations

from django.contrib import admin

from intelligence.models import HealRule, RecommendationBatch, ScalingCheck
from tenancy.admin.columns import moment
from tenancy.admin.scoped import ReadOnlyAdmin, ScopedAdmin
from tenancy.admin.time_ranges import time_range


@admin.register(HealRule)
class HealRuleAdmin(ScopedAdmin):
    """Which finding leads to which action. A rule that is no longer wanted is switched off."""

    list_display = (
        "name",
        "enabled",
        "trigger",
        "series_kind",
        "component",
        "kind",
        "dry_run",
        "destructive",
    )
    list_filter = ("enabled", "trigger", "kind")
    search_fields = ("name", "target")


@admin.register(ScalingCheck)
class ScalingCheckAdmin(ReadOnlyAdmin):
    """What the hourly scaling check decided, and why."""

    list_display = (moment("at", "time"), "choice", "workers", "target", "p95_ms", "queue_depth", "told")
    list_filter = ("choice", time_range("at"))
    ordering = ("-at",)
    fields = (
        "at",
        "choice",
        "workers",
        "target",
        "told",
        "p95_ms",
        "queue_depth",
        "spend_24h",
        "margin",
        "executed",
    )
    readonly_fields = ("told",)

    @admin.display(description="reasons")
    def told(self, row: ScalingCheck) -> str:
        """The reasons in words."""
        return " ".join(row.reasons)


@admin.register(RecommendationBatch)
class RecommendationBatchAdmin(ReadOnlyAdmin):
    """What each run of the decision engine recommended, and the risk score with its deductions."""

    tenant_path = "tenant_id"
    list_display = (moment("ts", "time"), "risk_score", "risk_level", "told", "tenant")
    list_filter = (time_range("ts"), "risk_level")
    list_select_related = ("tenant",)
    ordering = ("-ts",)
    fields = ("ts", "tenant", "risk_score", "risk_level", "told", "recommendations")
    readonly_fields = ("told",)

    @admin.display(description="deductions")
    def told(self, row: RecommendationBatch) -> str:
        """What was taken off the score."""
        parts = [f"−{one['points']}: {one['explanation']}" for one in row.deductions]
        return " ".join(parts) or "nothing was taken off"
