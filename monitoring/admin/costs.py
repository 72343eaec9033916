"""The cost ledger and what costs the same every day."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone

from monitoring.domain.costs import CostKind
from monitoring.models import CostEntry, FixedCost
from monitoring.services.cost_entries import record_cost_entry
from monitoring.services.cost_month import read_month
from tenancy.admin.columns import moment
from tenancy.admin.csv_export import csv_file, export_csv
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
    change_list_template = "admin/monitoring/costentry/change_list.html"
    csv_fields = ("day", "service", "amount", "currency", "kind", "source", "note")

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(self.month_view)
        return [path("month/", page, name="monitoring_costentry_month"), *super().get_urls()]

    def month_view(self, request: HttpRequest) -> HttpResponse:
        """A month day by day, unknown days marked; `?month=2025-11`, `&format=csv` for a spreadsheet."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        now = timezone.now()
        try:
            first = date.fromisoformat(f"{request.GET.get('month') or f'{now:%Y-%m}'}-01")
        except ValueError:
            first = now.date().replace(day=1)
        # At the ends of the calendar there is no day before or after.
        first = min(max(first, date(2000, 1, 1)), date(2100, 1, 1))
        month = read_month(first, now=now)
        if request.GET.get("format") == "csv":
            return csv_file(f"costs-{first:%Y-%m}.csv", month.header, month.cells)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Costs of {first:%B %Y}",
            "month": month,
        }
        return TemplateResponse(request, "admin/monitoring/costentry/month.html", context)

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
