"""The ops log, and the page of the daily check."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods

from monitoring.domain.evidence import UnableToJudge
from monitoring.models import OpsLogEntry
from monitoring.services.daily_check import (
    UnableToRecord,
    amend_daily_check,
    gather_daily_check,
    record_daily_check,
)
from tenancy.admin.columns import moment
from tenancy.admin.csv_export import export_csv
from tenancy.admin.scoped import ReadOnlyAdmin
from tenancy.admin.time_ranges import time_range

RECORD = "monitoring.record_daily_check"


@admin.register(OpsLogEntry)
class OpsLogEntryAdmin(ReadOnlyAdmin):
    """What was done and seen. Nobody changes it; the daily check adds to it."""

    list_display = (moment("at"), "kind", "subsystem", "actor", "first_line")
    list_filter = (time_range("at"), "kind", "subsystem")
    search_fields = ("text", "actor", "subsystem")
    ordering = ("-at", "-id")
    fields = ("at", "kind", "subsystem", "day", "amends", "actor", "lines", "data")
    readonly_fields = ("lines",)
    actions = (export_csv,)
    csv_fields = ("at", "kind", "subsystem", "day", "amends_id", "actor", "text")

    @admin.display(description="entry")
    def first_line(self, entry: OpsLogEntry) -> str:
        """The beginning of the entry."""
        line = entry.text.split("\n", 1)[0]
        return line if len(line) <= 120 else f"{line[:119]}…"

    @admin.display(description="entry")
    def lines(self, entry: OpsLogEntry) -> str:
        """The whole entry, line by line."""
        return format_html('<pre class="entry">{}</pre>', entry.text)

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(require_http_methods(["GET", "POST"])(self.daily_check))
        return [path("daily-check/", page, name="monitoring_daily_check"), *super().get_urls()]

    def daily_check(self, request: HttpRequest) -> HttpResponse:
        """The six steps on one screen; posting records the day, or amends its entry."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            self._record(request)
            return HttpResponseRedirect(reverse("admin:monitoring_daily_check"))
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": "Daily check",
            "opts": self.opts,
            "may_record": request.user.has_perm(RECORD),
        }
        try:
            context["check"] = gather_daily_check(now=timezone.now())
        except UnableToJudge as error:
            context["problem"] = str(error)
        return TemplateResponse(request, "admin/monitoring/daily_check.html", context)

    def _record(self, request: HttpRequest) -> None:
        if not request.user.has_perm(RECORD):
            raise PermissionDenied
        now, operator, text = timezone.now(), request.user.get_username(), request.POST.get("text", "")
        try:
            if "amend" in request.POST:
                amend_daily_check(day=now.date(), now=now, operator=operator, text=text)
                self.message_user(request, "Your entry amends the daily check.", messages.SUCCESS)
            else:
                record_daily_check(now=now, operator=operator, notes=text)
                self.message_user(request, "The day is recorded in the ops log.", messages.SUCCESS)
        except (UnableToRecord, UnableToJudge) as error:
            self.message_user(request, str(error), messages.ERROR)
