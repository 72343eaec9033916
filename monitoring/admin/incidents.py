"""Incidents: opened and resolved by people, never deleted, changed by the services only."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone

from monitoring.domain.observing import Severity
from monitoring.models import Incident
from monitoring.services.incidents import (
    UnableToChange,
    UnableToResolve,
    acknowledge_incident,
    open_incident,
    resolve_incident,
)
from tenancy.admin.columns import moment
from tenancy.admin.csv_export import export_csv
from tenancy.admin.scoped import ScopedAdmin
from tenancy.admin.time_ranges import time_range


class IncidentForm(forms.ModelForm):  # type: ignore[type-arg]  # the stubs make it generic, Django does not
    class Meta:
        model = Incident
        fields: ClassVar = ["title", "severity", "summary", "opened_at"]

    def clean_opened_at(self) -> Any:
        opened_at = self.cleaned_data["opened_at"]
        if opened_at > timezone.now():
            raise forms.ValidationError("An incident cannot begin in the future. Say when it began.")
        return opened_at


class OpenFilter(admin.SimpleListFilter):
    """Still open, or resolved."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "open"), ("resolved", "resolved")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        return queryset.filter(resolved_at__isnull=self.value() == "open")


@admin.register(Incident)
class IncidentAdmin(ScopedAdmin):
    """A P1 decides a gate: what was opened stays as grave as it was. A wrong one is resolved and said so."""

    form = IncidentForm
    list_display = (moment("opened_at"), "severity", "title", moment("resolved_at"), "opened_by")
    list_display_links = ("title",)
    list_filter = (OpenFilter, "severity", time_range("opened_at"))
    search_fields = ("title", "summary")
    ordering = ("-opened_at", "-id")
    fields = (
        *("title", "severity", "opened_at", "acknowledge_by", "acknowledged_by", "summary", "resolved_at"),
        *("opened_by", "story"),
    )
    readonly_fields = ("acknowledge_by", "acknowledged_by", "resolved_at", "opened_by", "story")
    actions = ("acknowledge", "resolve", export_csv)
    csv_fields = ("opened_at", "resolved_at", "severity", "title", "summary", "opened_by")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj else ("title", "severity", "opened_at", "summary")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.readonly_fields, "severity", "opened_at") if obj else self.readonly_fields

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"opened_at": timezone.now(), **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        incident = open_incident(
            title=obj.title,
            severity=Severity(obj.severity),
            summary=obj.summary,
            opened_at=obj.opened_at,
            actor=request.user.get_username(),
            now=timezone.now(),
        )
        obj.pk = incident.pk

    @admin.display(description="time line")
    def story(self, incident: Incident) -> str:
        """Everything that was said and done, in its order."""
        entries = incident.entries.order_by("written_at", "id")
        return render_to_string("admin/monitoring/incident/story.html", {"entries": entries})

    @admin.action(description="Acknowledge the chosen incidents", permissions=["change"])
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """The person has the chosen incidents."""
        done = 0
        for pk in queryset.order_by("pk").values_list("pk", flat=True):
            try:
                acknowledge_incident(incident_id=pk, actor=request.user.get_username(), now=timezone.now())
            except UnableToChange as error:
                self.message_user(request, str(error), messages.WARNING)
                continue
            done += 1
        if done:
            self.message_user(request, f"{done} acknowledged.", messages.SUCCESS)

    @admin.action(description="Resolve the chosen incidents now", permissions=["change"])
    def resolve(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """The chosen incidents end now."""
        now = timezone.now()
        resolved = 0
        for incident in queryset:
            try:
                resolve_incident(
                    incident_id=incident.pk,
                    resolved_at=now,
                    actor=request.user.get_username(),
                    now=now,
                )
            except UnableToResolve as error:
                self.message_user(request, str(error), messages.WARNING)
                continue
            self.log_change(request, incident, "Resolved.")
            resolved += 1
        if resolved:
            self.message_user(request, f"{resolved} resolved.", messages.SUCCESS)
