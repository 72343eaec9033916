"""Tenants, their members and their audit."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from tenancy.admin.columns import moment
from tenancy.admin.csv_export import export_csv
from tenancy.admin.scoped import ReadOnlyAdmin, ScopedAdmin, acts_for_platform
from tenancy.admin.time_ranges import time_range
from tenancy.domain.modes import MemberRole, Plan, TenantStatus
from tenancy.models import Tenant, TenantAudit, TenantUser
from tenancy.services.members import add_member
from tenancy.services.tenants import create_tenant, describe_tenant


@admin.register(Tenant)
class TenantAdmin(ScopedAdmin):
    """A tenant's staff see their own; only the platform's people change one."""

    tenant_path = "pk"
    list_display = ("ext_id", "name", "plan", "region", "status", "mode", moment("created_at"))
    list_filter = ("status", "plan", "mode")
    search_fields = ("ext_id", "name")
    ordering = ("ext_id",)
    fields = ("ext_id", "name", "plan", "region", "status", "mode", "schema_name", "epoch", "created_at")
    # Mode, schema and epoch change by cut-over only.
    readonly_fields = ("mode", "schema_name", "epoch", "created_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.readonly_fields, "ext_id") if obj else (*self.readonly_fields, "status")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return acts_for_platform() and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return acts_for_platform() and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        actor = request.user.get_username()
        if change:
            describe_tenant(
                tenant=obj,
                name=obj.name,
                plan=Plan(obj.plan),
                region=obj.region,
                status=TenantStatus(obj.status),
                actor=actor,
            )
            return
        created = create_tenant(
            ext_id=obj.ext_id, name=obj.name, plan=Plan(obj.plan), region=obj.region, actor=actor
        )
        obj.pk = created.pk


@admin.register(TenantUser)
class MemberAdmin(ScopedAdmin):
    """The platform's people make members; a tenant's own admins may change what their members may do."""

    tenant_path = "tenant_id"
    list_display = ("user", "tenant", "role", moment("created_at"))
    list_filter = ("role",)
    list_select_related = ("user", "tenant")
    search_fields = ("user__username", "tenant__ext_id", "tenant__name")
    ordering = ("tenant__ext_id", "user__username", "id")
    fields = ("tenant", "user", "role", "created_at")
    readonly_fields = ("created_at",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("tenant", "user", "created_at") if obj else self.readonly_fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return acts_for_platform() and super().has_add_permission(request)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        member = add_member(
            tenant=obj.tenant, user=obj.user, role=MemberRole(obj.role), actor=request.user.get_username()
        )
        obj.pk = member.pk


@admin.register(TenantAudit)
class AuditAdmin(ReadOnlyAdmin):
    """The audit chain, read-only."""

    tenant_path = "tenant_id"
    list_display = (moment("at", "time"), "tenant", "seq", "event", "actor")
    list_filter = (time_range("at"),)
    list_select_related = ("tenant",)
    search_fields = ("event", "actor", "tenant__ext_id")
    ordering = ("-at", "-id")
    show_full_result_count = False
    actions = (export_csv,)
    csv_fields = ("at", "tenant__ext_id", "seq", "event", "actor", "metadata", "prev_hash", "hash")
