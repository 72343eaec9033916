"""The log of observations: millions of rows, so pages follow one another by key and nothing is counted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.dateparse import parse_datetime
from django.utils.text import Truncator

from monitoring.admin.filters import EndpointFilter
from monitoring.models import HealthLog
from tenancy.admin.columns import moment
from tenancy.admin.csv_export import export_csv
from tenancy.admin.scoped import ReadOnlyAdmin
from tenancy.admin.time_ranges import time_range

BEFORE = "before"
_ESTIMATE_SQL = """
    SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'system_health_log'::regclass
"""


class KeysetChangeList(ChangeList):
    """A page is the newest rows before a key, `time|id` of the last row of the page before it."""

    older_query = newest_query = ""
    estimated_rows = 0

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        lookups: dict[str, Any] = super().get_filters_params(params)
        self.before = _parse_key(lookups.pop(BEFORE, [""])[-1])
        return lookups

    def get_results(self, request: HttpRequest) -> None:
        rows = self.queryset
        if self.before is not None:
            at, pk = self.before
            # The first condition says nothing new, but prunes whole partitions.
            rows = rows.filter(ts__lte=at).filter(Q(ts__lt=at) | Q(ts=at, pk__lt=pk))
        found = list(rows[: self.list_per_page + 1])
        self.result_list = found[: self.list_per_page]
        self.result_count = len(self.result_list)
        self.full_result_count = None
        self.show_full_result_count = False
        self.show_admin_actions = bool(found)
        self.can_show_all = self.multi_page = False
        self.paginator = Paginator(self.result_list, self.list_per_page)
        self.estimated_rows = _estimated_rows()
        self.newest_query = self.get_query_string(remove=[BEFORE])
        if len(found) > self.list_per_page:
            last = self.result_list[-1]
            self.older_query = self.get_query_string({BEFORE: f"{last.ts.isoformat()}|{last.pk}"})


def _parse_key(text: str) -> tuple[datetime, int] | None:
    at, _, pk = text.partition("|")
    try:
        moment = parse_datetime(at)
    except ValueError:
        return None
    if moment is None or moment.tzinfo is None or not pk.isdecimal():
        return None
    return moment, int(pk)


def _estimated_rows() -> int:
    """How many rows the log holds, as PostgreSQL's statistics know it. One query on the catalogue."""
    with connection.cursor() as cursor:
        cursor.execute(_ESTIMATE_SQL)
        return int(cursor.fetchone()[0])


class OutcomeFilter(admin.SimpleListFilter):
    """Good or bad."""

    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("good", "good"), ("bad", "bad")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.value() is None else queryset.filter(ok=self.value() == "good")


@admin.register(HealthLog)
class HealthLogAdmin(ReadOnlyAdmin):
    """Never more than a time range of it is read."""

    tenant_path = "tenant_id"
    list_display = (
        moment("ts", "began"),
        "endpoint",
        "source",
        "outcome",
        "status",
        "latency",
        "wrong",
    )
    list_filter = (time_range("ts", default="1h"), OutcomeFilter, EndpointFilter, "source")
    list_select_related = ("endpoint",)
    ordering = ("-ts", "-id")
    sortable_by = ()
    list_per_page = 100
    list_max_show_all = 0
    actions = (export_csv,)
    csv_fields = (
        "ts",
        "ended_at",
        "tenant__ext_id",
        "endpoint_id",
        "source",
        "ok",
        "status_code",
        "latency_ms",
        "error_class",
        "error",
        "failed_assertion",
        "frontend",
        "backend",
    )

    @admin.display(description="outcome")
    def outcome(self, row: HealthLog) -> str:
        """In a word and a symbol."""
        return "✓ good" if row.ok else "✕ bad"

    @admin.display(description="status")
    def status(self, row: HealthLog) -> str | None:
        """The status code; 0 is no answer, none is none told."""
        if row.status_code is None:
            return None
        return str(row.status_code) if row.status_code else "no answer"

    @admin.display(description="latency")
    def latency(self, row: HealthLog) -> str | None:
        """In milliseconds."""
        return None if row.latency_ms is None else f"{row.latency_ms:,.1f} ms"

    @admin.display(description="what was wrong")
    def wrong(self, row: HealthLog) -> str | None:
        """The error or the condition that did not hold."""
        told = row.failed_assertion or row.error or row.error_class
        return Truncator(told).chars(100) or None

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return KeysetChangeList
