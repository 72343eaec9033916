"""Filters of the monitoring lists."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from monitoring.models import Endpoint
from tenancy.context import current_scope

# More names than this are no choice any more: the address ?endpoint=ID works for all.
_MOST = 60


class EndpointFilter(admin.SimpleListFilter):
    """Rows of one endpoint, out of those that the active scope may see."""

    title = "endpoint"
    parameter_name = "endpoint"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        endpoints = Endpoint.objects.order_by("name", "id")
        scope = current_scope()
        if scope is None:
            return []
        if scope.tenant_id is not None:
            endpoints = endpoints.filter(tenant_id=scope.tenant_id)
        return [(str(pk), name) for pk, name in endpoints.values_list("pk", "name")[:_MOST]]

    def has_output(self) -> bool:
        # Without it Django drops the parameter where there is nothing to choose from, and shows all rows.
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        return queryset.filter(endpoint_id=int(value)) if value.isdecimal() else queryset.none()
