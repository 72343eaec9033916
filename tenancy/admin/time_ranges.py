"""The filter by time that every long list has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

RANGES = {
    "1h": ("last hour", timedelta(hours=1)),
    "6h": ("last 6 hours", timedelta(hours=6)),
    "24h": ("last 24 hours", timedelta(hours=24)),
    "7d": ("last 7 days", timedelta(days=7)),
    "30d": ("last 30 days", timedelta(days=30)),
}


class TimeRangeFilter(admin.SimpleListFilter):
    """Rows since some time ago. With a `default` there is no way to ask for all rows of all time."""

    title = "time"
    parameter_name = "range"
    field = ""
    default = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, label) for key, (label, _) in RANGES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value() if self.value() in RANGES else self.default
        if not chosen:
            return queryset
        return queryset.filter(**{f"{self.field}__gte": timezone.now() - RANGES[chosen][1]})

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        if not self.default:
            yield from super().choices(changelist)
            return
        chosen = self.value() if self.value() in RANGES else self.default
        for key, label in self.lookup_choices:
            yield {
                "selected": key == chosen,
                "query_string": changelist.get_query_string({self.parameter_name: key}),
                "display": label,
            }


def time_range(of: str, *, default: str = "") -> type[TimeRangeFilter]:
    """A time filter over the field `of`."""
    return type("TimeRange", (TimeRangeFilter,), {"field": of, "default": default})
