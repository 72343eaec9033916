"""What the intelligence saw, did, advises and expects: read here; only recommendations are settled."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from intelligence.domain.words import RecommendationState
from intelligence.models import AiForecast, IntelAction, IntelEvent, IntelRecommendation
from intelligence.services import healing
from intelligence.services.recommendations import settle_recommendations
from tenancy.admin.columns import moment
from tenancy.admin.csv_export import export_csv
from tenancy.admin.scoped import ReadOnlyAdmin, acts_for_platform
from tenancy.admin.time_ranges import time_range


class FindingAdmin(ReadOnlyAdmin):
    """A list of one tenant's findings, newest first."""

    tenant_path = "tenant_id"
    list_select_related = ("tenant",)
    ordering = ("-ts", "-id")
    show_full_result_count = False


def _as_json(value: Any) -> str:
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False))


@admin.register(IntelEvent)
class AnomalyAdmin(FindingAdmin):
    """Anomalies."""

    list_display = (moment("ts", "time"), "event", "component", "severity", "value", "mean", "tenant")
    list_filter = (time_range("ts"), "severity")
    search_fields = ("event", "component")
    fields = ("ts", "tenant", "event", "component", "severity", "value", "mean", "shown_details")
    readonly_fields = ("shown_details",)
    actions = (export_csv,)
    csv_fields = ("ts", "tenant__ext_id", "event", "component", "severity", "value", "mean")

    @admin.display(description="details")
    def shown_details(self, event: IntelEvent) -> str:
        """What the detector knew."""
        return _as_json(event.details)


@admin.register(IntelAction)
class ActionAdmin(FindingAdmin):
    """Self-healing actions."""

    list_display = (
        moment("ts", "time"),
        "action",
        "subsystem",
        "kind",
        "state",
        "is_dry_run",
        "why",
        "recovered",
        "tenant",
    )
    list_display_links = ("action",)
    list_filter = ("state", "kind", time_range("ts"))
    search_fields = ("action", "subsystem")
    fields = (
        ("ts", "tenant"),
        ("action", "subsystem", "kind"),
        ("state", "is_dry_run", "destructive", "approved_by"),
        "cause",
        "why",
        ("began_at", "ended_at"),
        ("recovered", "verified_at", "verification"),
        "dry_run_result",
        "shown_metadata",
    )
    readonly_fields = ("shown_metadata",)
    actions = ("approve", "decline", export_csv)
    csv_fields = ("ts", "tenant__ext_id", "action", "subsystem", "kind", "state", "why")

    def has_approve_permission(self, request: HttpRequest) -> bool:
        """Healing acts for the platform, so only its own people approve."""
        return acts_for_platform() and request.user.has_perm("intelligence.approve_action")

    @admin.action(description="Approve the chosen actions", permissions=["approve"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """The next cycle carries them out, unless a brake holds then."""
        self._answer(request, queryset, healing.approve, "approved")

    @admin.action(description="Decline the chosen actions", permissions=["approve"])
    def decline(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """They will not be carried out."""
        self._answer(request, queryset, healing.decline, "declined")

    def _answer(
        self, request: HttpRequest, queryset: QuerySet[Any], answer: Callable[..., None], word: str
    ) -> None:
        done = 0
        for action in queryset:
            try:
                answer(action.pk, by=request.user.get_username(), now=timezone.now())
            except healing.UnableToApprove as error:
                self.message_user(request, str(error), messages.WARNING)
                continue
            self.log_change(request, action, f"{word.capitalize()}.")
            done += 1
        if done:
            self.message_user(request, f"{done} {word}.", messages.SUCCESS)

    @admin.display(description="metadata")
    def shown_metadata(self, action: IntelAction) -> str:
        """What was recorded with it."""
        return _as_json(action.metadata)


@admin.register(IntelRecommendation)
class RecommendationAdmin(FindingAdmin):
    """Recommendations: a person marks them done or dismisses them."""

    list_display = (moment("ts", "time"), "priority", "type", "message", "state", "tenant")
    list_display_links = ("message",)
    list_filter = ("state", "priority", time_range("ts"))
    search_fields = ("type", "message", "metric")
    fields = ("ts", "tenant", "type", "priority", "message", "metric", "state", "shown_evidence")
    readonly_fields = ("shown_evidence",)
    actions = ("mark_done", "dismiss")

    @admin.display(description="evidence")
    def shown_evidence(self, recommendation: IntelRecommendation) -> str:
        """What it rests on."""
        return _as_json(recommendation.evidence)

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Who may change recommendations may settle them."""
        return self.in_reach() and request.user.has_perm("intelligence.change_intelrecommendation")

    @admin.action(description="Mark the chosen recommendations as done", permissions=["settle"])
    def mark_done(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """They were followed."""
        self._settle(request, queryset, RecommendationState.DONE)

    @admin.action(description="Dismiss the chosen recommendations", permissions=["settle"])
    def dismiss(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """They will not be followed."""
        self._settle(request, queryset, RecommendationState.DISMISSED)

    def _settle(self, request: HttpRequest, queryset: QuerySet[Any], state: RecommendationState) -> None:
        chosen = list(queryset.filter(state=RecommendationState.OPEN.value))
        settle_recommendations(ids=[row.pk for row in chosen], state=state)
        for row in chosen:
            self.log_change(request, row, f"State: {state.value}.")
        told = f"{len(chosen)} {state.value}; the others were settled already."
        self.message_user(request, told, messages.SUCCESS)


@admin.register(AiForecast)
class ForecastAdmin(FindingAdmin):
    """Forecasts."""

    list_display = (
        "ts",
        "horizon_days",
        "predicted_revenue",
        "low",
        "high",
        "churn_rate",
        "method",
        "tenant",
    )
    list_filter = (time_range("ts"),)
    search_fields = ("method",)
    actions = (export_csv,)
    csv_fields = (
        "ts",
        "tenant__ext_id",
        "horizon_days",
        "predicted_revenue",
        "low",
        "high",
        "churn_rate",
        "method",
        "data_points",
    )
