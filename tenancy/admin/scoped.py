"""What all our admin pages share: they show what the active scope may see, and delete nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.text import capfirst

from tenancy.context import current_scope

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


def acts_for_platform() -> bool:
    """Whether the active scope is the control plane."""
    scope = current_scope()
    return scope is not None and scope.tenant_id is None


class ScopedAdmin(_ModelAdmin):
    """Pages of rows that belong to a tenant, or to the platform.

    `tenant_path` leads from the model to its tenant's id. Without one the rows are the platform's own:
    whoever does not act in the control plane neither sees nor touches them, whatever permissions they have.
    Nobody deletes: what was measured, spent or decided stays.
    """

    tenant_path: str | None = None
    list_per_page = 50

    def in_reach(self) -> bool:
        """Whether the active scope may see rows of this kind at all."""
        scope = current_scope()
        return scope is not None and (scope.tenant_id is None or self.tenant_path is not None)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        # "Endpoints", not "Select endpoint to change".
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows = super().get_queryset(request)
        scope = current_scope()
        if scope is not None and scope.tenant_id is not None and self.tenant_path is not None:
            return rows.filter(**{self.tenant_path: scope.tenant_id})
        return rows if self.in_reach() else rows.none()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        related = self.admin_site._registry.get(db_field.related_model)
        if isinstance(related, ScopedAdmin):
            kwargs.setdefault("queryset", related.get_queryset(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.in_reach() and super().has_module_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.in_reach() and super().has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.in_reach() and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.in_reach() and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(ScopedAdmin):
    """Pages of what the portal wrote itself: to be read only."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
