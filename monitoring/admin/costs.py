"""The cost ledger and what costs the same every day."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from monitoring.domain.costs import CostKind
from monitoring.models import CostEntry, FixedCost
from monitoring.services.cost_entries import record_cost_entry
from tenancy.admin.columns import moment
from tenancy.admin.csv_export import export_csv
from tenancy.admin.scoped import ScopedAdmin


@admin.register(CostEntry)
class CostEntryAdmin(ScopedAdmin):
    """People write entries in their own name; what a program or the fixed costs wrote is read-only here."""

    list_display = ("day", "service", "amount", "kind", "source", "note", moment("created_at"))
    list_filter = ("kind", "service", "source")
    search_fields = ("service", "source", "note")
    date_hierarchy = "day"
    ordering = ("-day", "service", "id")
    fields = ("day", "service", "amount", "kind", "note", "source", "created_at")
    readonly_fields = ("source", "created_at")
    actions = (export_csv,)
    csv_fields = ("day", "service", "amount", "currency", "kind", "source", "note")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.readonly_fields, "day", "service", "kind") if obj else self.readonly_fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.source != request.user.get_username():
            return False
        return super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        entry = record_cost_entry(
            day=obj.day,
            service=obj.service,
            amount=obj.amount,
            kind=CostKind(obj.kind),
            source=request.user.get_username(),
            note=obj.note,
        )
        obj.pk = entry.pk


@admin.register(FixedCost)
class FixedCostAdmin(ScopedAdmin):
    """A change counts from the days that are not accrued yet; what was entered stays in the ledger."""

    list_display = ("service", "daily_amount", "starts_on", "ends_on")
    search_fields = ("service",)
    ordering = ("service",)
