"""Users and groups: the platform's own business."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest

from tenancy.admin.scoped import ScopedAdmin

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class AccountAdmin(ScopedAdmin, UserAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Accounts are switched off, not deleted: their names stand in logs and audits."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        # Only a superuser makes superusers, or hands out single permissions.
        return fields if request.user.is_superuser else (*fields, "is_superuser", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)


@admin.register(Group)
class RoleAdmin(ScopedAdmin, GroupAdmin):
    """The five roles that the portal brings are set anew with each migration; make others beside them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Whoever may change a group could put any permission into their own.
        return request.user.is_superuser and super().has_change_permission(request, obj)
