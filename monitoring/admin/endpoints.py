"""Endpoints: what is probed, how, and how it stands."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone

from monitoring.admin.endpoint_form import EndpointForm
from monitoring.models import Endpoint, EndpointState
from monitoring.services.board import week_by_day
from monitoring.services.endpoints import ensure_state, unwatch_endpoint
from monitoring.services.watching import probe_soon, watch_again
from tenancy.admin.scoped import ScopedAdmin, acts_for_platform
from tenancy.context import current_scope
from tenancy.services.members import default_tenant


class StateInline(admin.StackedInline):  # type: ignore[type-arg]  # the stubs make it generic, Django does not
    """How the endpoint stands: written by the prober only."""

    model = EndpointState
    can_delete = False
    verbose_name_plural = "state, as the prober left it"
    fields = readonly_fields = (
        "standing",
        "standing_since",
        "last_at",
        "last_status",
        "last_latency_ms",
        "last_error",
        "last_good_at",
        "next_due_at",
        "certificate_expires_at",
    )

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Endpoint)
class EndpointAdmin(ScopedAdmin):
    """A tenant's staff watch their own endpoints; what counts for the gates is the platform's to say."""

    tenant_path = "tenant_id"
    form = EndpointForm
    inlines = (StateInline,)
    list_display = ("name", "component", "url", "standing", "interval_s", "critical", "enabled")
    list_filter = ("enabled", "critical", "intelligence_api", "state__standing")
    list_select_related = ("state",)
    search_fields = ("name", "component", "url")
    ordering = ("name", "id")
    actions = ("probe_now", "watch", "unwatch")
    fieldsets = (
        (None, {"fields": ("name", "component", "url", "critical", "enabled", "tenant")}),
        ("How it is asked", {"fields": ("method", "headers_text", "body", "timeout_s")}),
        ("What a good answer is", {"fields": ("expected_status", "conditions_text", "latency_objective_ms")}),
        ("How often", {"fields": ("interval_s", "pulse_s", "confirm_interval_s", "tags_text")}),
    )

    @admin.display(description="now", ordering="state__standing")
    def standing(self, endpoint: Endpoint) -> str:
        """How it stood at its last observation."""
        state = getattr(endpoint, "state", None)
        return state.standing if state else "never probed"

    @admin.display(description="last seven days")
    def week(self, endpoint: Endpoint) -> str:
        """The table behind the strip of the board."""
        now = timezone.now()
        return render_to_string(
            "admin/monitoring/endpoint/week.html", {"days": week_by_day(endpoint, now=now)}
        )

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        if not self.has_change_permission(request, obj):
            plain = [name for name in flatten_fieldsets(fieldsets) if not name.endswith("_text")]
            return ((None, {"fields": [*plain, "conditions"]}), ("What was seen", {"fields": ("week",)}))
        return (*fieldsets, ("What was seen", {"fields": ("week",)}))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fixed = ("week",)
        if not acts_for_platform():
            # Which endpoints count decides the platform's verdict.
            return (*fixed, "critical", "tenant")
        return (*fixed, "tenant") if obj else fixed

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"tenant": default_tenant().pk, **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        scope = current_scope()
        if not change and scope is not None and scope.tenant_id is not None:
            obj.tenant_id = scope.tenant_id
        super().save_model(request, obj, form, change)
        ensure_state(obj, now=timezone.now())

    @admin.action(description="Probe the chosen endpoints now", permissions=["change"])
    def probe_now(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """The prober takes them with its next tick, within five seconds."""
        chosen = list(queryset.filter(enabled=True))
        probe_soon(ids=[endpoint.pk for endpoint in chosen], now=timezone.now())
        for endpoint in chosen:
            self.log_change(request, endpoint, "Probe asked for.")
        self.message_user(request, f"{len(chosen)} will be probed within 5 s; paused ones are not.")

    @admin.action(description="Watch the chosen endpoints again", permissions=["change"])
    def watch(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Paused endpoints are probed again."""
        chosen = list(queryset.filter(enabled=False))
        for endpoint in chosen:
            watch_again(name=endpoint.name, now=timezone.now())
            self.log_change(request, endpoint, "Watched again.")
        self.message_user(request, f"{len(chosen)} are watched again.", messages.SUCCESS)

    @admin.action(description="Pause the chosen endpoints", permissions=["change"])
    def unwatch(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """They are not probed any more. A critical one still counts: its state is then unknown."""
        chosen = list(queryset.filter(enabled=True))
        for endpoint in chosen:
            unwatch_endpoint(name=endpoint.name)
            self.log_change(request, endpoint, "Paused.")
        critical = [endpoint.name for endpoint in chosen if endpoint.critical]
        if critical:
            told = (
                f"{len(chosen)} paused. {', '.join(critical)} still counts for the uptime gate, as unknown."
            )
            self.message_user(request, told, messages.WARNING)
            return
        self.message_user(request, f"{len(chosen)} paused.", messages.SUCCESS)
