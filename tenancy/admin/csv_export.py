"""Lists as CSV files that a spreadsheet shows and does not execute."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

MAX_ROWS = 10_000
# A cell that begins like this is a formula to a spreadsheet (OWASP, "CSV injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_cell(value: object) -> object:
    """`value` as a spreadsheet may have it: numbers as they are, text that would be a formula quoted."""
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


@admin.action(description="Download the chosen rows as CSV", permissions=["view"])
def export_csv(modeladmin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
    """The fields in the model admin's `csv_fields` (names of fields; `a__b` follows a relation)."""
    rows = list(queryset.values_list(*modeladmin.csv_fields)[: MAX_ROWS + 1])
    if len(rows) > MAX_ROWS:
        modeladmin.message_user(
            request, f"More than {MAX_ROWS:,} rows. Choose a shorter time or a filter.", messages.ERROR
        )
        return None
    name = f"{modeladmin.opts.model_name}-{timezone.now():%Y%m%dT%H%M%SZ}.csv"
    return csv_file(name, modeladmin.csv_fields, rows)


def csv_file(name: str, header: Iterable[object], rows: Iterable[Iterable[object]]) -> HttpResponse:
    """The rows as a file to download, every cell safe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([safe_cell(value) for value in header])
    writer.writerows([safe_cell(value) for value in row] for row in rows)
    return HttpResponse(
        out.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
