"""Burn-ins and the policies they are judged by."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from monitoring.models import BurnIn, GatePolicy
from monitoring.services.judging import open_burn_in
from tenancy.admin.columns import moment
from tenancy.admin.scoped import ReadOnlyAdmin, ScopedAdmin


class BurnInForm(forms.ModelForm):  # type: ignore[type-arg]  # the stubs make it generic, Django does not
    days = forms.IntegerField(min_value=1, max_value=90, initial=7)
    review_after_days = forms.IntegerField(
        label="Review after",
        min_value=0,
        max_value=90,
        initial=6,
        help_text="Days from its end to the review.",
    )

    class Meta:
        model = BurnIn
        fields: ClassVar = ["name", "starts_at"]


@admin.register(BurnIn)
class BurnInAdmin(ScopedAdmin):
    """Opening one makes it the current one, under the newest policy. It is not changed by hand afterwards."""

    form = BurnInForm
    list_display = (
        "name",
        moment("starts_at"),
        moment("ends_at"),
        moment("review_at"),
        "state",
        "outcome",
        "is_current",
    )
    list_filter = ("state", "is_current")
    list_select_related = ("policy",)
    search_fields = ("name",)
    ordering = ("-starts_at", "-id")
    fields = ("name", "starts_at", "ends_at", "review_at", "policy", "state", "outcome", "is_current")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj else ("name", "starts_at", "days", "review_after_days")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"starts_at": timezone.now(), **super().get_changeform_initial_data(request)}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        burn_in = open_burn_in(
            name=obj.name,
            starts_at=obj.starts_at,
            days=form.cleaned_data["days"],
            review_after=timedelta(days=form.cleaned_data["review_after_days"]),
            actor=request.user.get_username(),
            now=timezone.now(),
        )
        obj.pk = burn_in.pk


@admin.register(GatePolicy)
class GatePolicyAdmin(ReadOnlyAdmin):
    """Versions of the criteria. A change is a new version."""

    list_display = ("version", "note", "created_by", moment("created_at"))
    search_fields = ("note", "created_by")
    ordering = ("-version",)
    fields = ("version", "note", "created_by", "created_at", "limits")
    readonly_fields = ("limits",)

    @admin.display(description="criteria")
    def limits(self, policy: GatePolicy) -> str:
        """The criteria as they are frozen into each verdict."""
        return format_html("<pre>{}</pre>", json.dumps(policy.criteria, indent=2, ensure_ascii=False))
