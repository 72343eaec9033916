"""Binds each browser request to the scope its user may act in."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from tenancy.context import control_scope, enter, tenant_scope
from tenancy.models import Tenant

CONTROL_PERMISSION = "tenancy.use_control_plane"


class ScopeMiddleware:
    """In the admin: staff with the right `use_control_plane` act in the control plane, everybody else in
    the tenant they belong to; a user of no tenant has no scope and so sees no tenant's row.

    API requests carry a token, which their view reads: the API binds its tenant itself.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if not request.path.startswith("/admin/") or not user.is_authenticated or not user.is_staff:
            return self.get_response(request)
        if user.has_perm(CONTROL_PERMISSION):
            scope = control_scope(f"admin, {user.get_username()}")
        else:
            tenant = self._tenant_of(request)
            if tenant is None:
                return self.get_response(request)
            scope = tenant_scope(tenant)
        with enter(scope):
            return self.get_response(request)

    @staticmethod
    def _tenant_of(request: HttpRequest) -> Tenant | None:
        tenants = Tenant.objects.of_member(int(request.user.pk or 0))
        wanted = request.headers.get(settings.TENANT_HEADER, "")
        if wanted:
            tenants = tenants.filter(ext_id=wanted)
        return tenants.first()
