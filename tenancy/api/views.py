"""The API view that knows its tenant."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from django.conf import settings
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView

from tenancy.context import enter, tenant_scope
from tenancy.models import Tenant


class TenantAPIView(APIView):
    """Runs in the tenant its caller belongs to.

    The tenant is the caller's membership; the tenant header only chooses among several. A tenant that the
    caller is no member of is answered like one that does not exist.
    """

    tenant: Tenant

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        with ExitStack() as self._scopes:
            response = super().dispatch(request, *args, **kwargs)
            if hasattr(response, "render"):
                response.render()
            return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.tenant = self._tenant_of(request)
        self._scopes.enter_context(enter(tenant_scope(self.tenant)))

    def _tenant_of(self, request: Request) -> Tenant:
        tenants = Tenant.objects.of_member(request.user.pk)
        wanted = request.headers.get(settings.TENANT_HEADER, "")
        if wanted:
            tenants = tenants.filter(ext_id=wanted)
        tenant = tenants.first()
        if tenant is None:
            raise NotFound("No such tenant.")
        return tenant
