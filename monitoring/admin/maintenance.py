"""Silences and maintenance windows: marked with a reason, ended or withdrawn, never changed or deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from monitoring.models import MaintenanceWindow, Silence
from monitoring.services.maintenance import (
    UnableToMark,
    WindowTerms,
    end_maintenance,
    end_silence,
    mark_maintenance,
    silence_alerts,
    withdraw_maintenance,
)
from tenancy.admin.columns import moment
from tenancy.admin.csv_export import export_csv
from tenancy.admin.scoped import ScopedAdmin
from tenancy.admin.time_ranges import time_range


class _MarkedAdmin(ScopedAdmin):
    """Added once; afterwards read-only but for its actions."""

    add_fields: tuple[str, ...] = ()
    seen_fields: tuple[str, ...] = ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.add_fields, *self.seen_fields) if obj else self.add_fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.add_fields, *self.seen_fields) if obj else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"starts_at": timezone.now(), **super().get_changeform_initial_data(request)}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def act(
        self, request: HttpRequest, queryset: QuerySet[Any], service: Callable[[int, str], Any], done: str
    ) -> None:
        """One service call for each chosen row, one message for all."""
        count = 0
        for pk in queryset.order_by("pk").values_list("pk", flat=True):
            try:
                service(pk, request.user.get_username())
            except UnableToMark as error:
                self.message_user(request, str(error), messages.WARNING)
                continue
            count += 1
        if count:
            self.message_user(request, f"{count} {done}.", messages.SUCCESS)


class SilenceForm(forms.ModelForm):  # type: ignore[type-arg]  # the stubs make it generic, Django does not
    class Meta:
        model = Silence
        fields: ClassVar = ["rule", "subjects", "starts_at", "ends_at", "reason"]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        starts_at, ends_at = cleaned.get("starts_at"), cleaned.get("ends_at")
        if starts_at and ends_at and (starts_at >= ends_at or ends_at <= timezone.now()):
            raise forms.ValidationError("It must begin before it ends, and end in the future.")
        return cleaned


@admin.register(Silence)
class SilenceAdmin(_MarkedAdmin):
    """Who is not told of what, until when, and why."""

    form = SilenceForm
    list_display = ("__str__", moment("starts_at"), moment("ends_at"), "reason", "created_by", "ended_by")
    list_filter = (time_range("ends_at"), "rule")
    list_select_related = ("rule",)
    search_fields = ("subjects", "reason", "created_by")
    ordering = ("-ends_at", "-id")
    add_fields = ("rule", "subjects", "starts_at", "ends_at", "reason")
    seen_fields = ("created_by", "created_at", "ended_by")
    actions = ("end", export_csv)
    csv_fields = ("rule__key", "subjects", "starts_at", "ends_at", "reason", "created_by", "ended_by")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            return
        silence = silence_alerts(
            rule=obj.rule,
            subjects=obj.subjects,
            starts_at=obj.starts_at,
            ends_at=obj.ends_at,
            reason=obj.reason,
            actor=request.user.get_username(),
            now=timezone.now(),
        )
        obj.pk = silence.pk

    @admin.action(description="End the chosen silences now", permissions=["change"])
    def end(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """What is still firing is told at the next evaluation."""
        now = timezone.now()
        self.act(request, queryset, lambda pk, who: end_silence(silence_id=pk, actor=who, now=now), "ended")


class MaintenanceForm(forms.ModelForm):  # type: ignore[type-arg]  # the stubs make it generic, Django does not
    class Meta:
        model = MaintenanceWindow
        fields: ClassVar = [
            *("title", "reason", "all_endpoints", "component", "endpoints"),
            *("starts_at", "ends_at", "mute_alerts", "exclude_from_uptime"),
        ]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        starts_at, ends_at = cleaned.get("starts_at"), cleaned.get("ends_at")
        if starts_at and ends_at and starts_at >= ends_at:
            raise forms.ValidationError("It must begin before it ends.")
        if not (cleaned.get("mute_alerts") or cleaned.get("exclude_from_uptime")):
            raise forms.ValidationError("Choose what it does: mute alerts, exclude from uptime, or both.")
        if not (cleaned.get("all_endpoints") or cleaned.get("component") or cleaned.get("endpoints")):
            raise forms.ValidationError("Choose the endpoints: all, a component, or some of the list.")
        return cleaned


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(_MarkedAdmin):
    """Two switches: mute alerts, exclude from uptime. Marked later it says so."""

    form = MaintenanceForm
    list_display = (
        "title",
        moment("starts_at"),
        moment("ends_at"),
        "mute_alerts",
        "exclude_from_uptime",
        "marked_later",
        "created_by",
        "withdrawn_by",
    )
    list_filter = (time_range("ends_at"), "mute_alerts", "exclude_from_uptime")
    search_fields = ("title", "reason", "created_by")
    ordering = ("-ends_at", "-id")
    filter_horizontal = ("endpoints",)
    add_fields = (
        *("title", "reason", "all_endpoints", "component", "endpoints"),
        *("starts_at", "ends_at", "mute_alerts", "exclude_from_uptime"),
    )
    seen_fields = ("created_by", "created_at", "withdrawn_by", "withdrawn_at")
    actions = ("end", "withdraw", export_csv)
    csv_fields = (
        *("title", "reason", "all_endpoints", "component", "starts_at", "ends_at", "mute_alerts"),
        *("exclude_from_uptime", "created_by", "created_at", "withdrawn_by", "withdrawn_at"),
    )

    @admin.display(description="marked later", boolean=True)
    def marked_later(self, window: MaintenanceWindow) -> bool:
        """Whether it had begun when it was marked."""
        return window.retroactive

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            return
        terms = WindowTerms(
            title=obj.title,
            reason=obj.reason,
            starts_at=obj.starts_at,
            ends_at=obj.ends_at,
            mute_alerts=obj.mute_alerts,
            exclude_from_uptime=obj.exclude_from_uptime,
            all_endpoints=obj.all_endpoints,
            component=obj.component,
            endpoints=list(form.cleaned_data["endpoints"]),
        )
        window = mark_maintenance(terms, actor=request.user.get_username(), now=timezone.now())
        obj.pk = window.pk

    @admin.action(description="End the chosen windows now", permissions=["change"])
    def end(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Work is done early."""
        now = timezone.now()
        self.act(
            request, queryset, lambda pk, who: end_maintenance(window_id=pk, actor=who, now=now), "ended"
        )

    @admin.action(description="Withdraw the chosen windows, as if never marked", permissions=["change"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """They exclude and mute nothing, also not in the past."""
        now = timezone.now()
        self.act(
            request,
            queryset,
            lambda pk, who: withdraw_maintenance(window_id=pk, actor=who, now=now),
            "withdrawn",
        )
