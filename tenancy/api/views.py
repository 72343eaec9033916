"""The API view that knows its tenant."""

from __future__ import annotations

from contextlib import ExitStack
from time import perf_counter
from typing import Any

from django.conf import settings
from django.utils import timezone
from rest_framework.exceptions import MethodNotAllowed, NotFound
from rest_framework.request import Request
from rest_framework.views import APIView

from tenancy.api.errors import correlation_id
from tenancy.api.negotiation import JsonNegotiation
from tenancy.context import enter, tenant_scope
from tenancy.models import Tenant

_LONGEST_EXT_ID = 64


class TenantAPIView(APIView):
    """Runs in the tenant its caller belongs to.

    The tenant is the caller's membership; the tenant header only chooses among several. A tenant that the
    caller is no member of is answered like one that does not exist.
    """

    content_negotiation_class = JsonNegotiation
    tenant: Tenant

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        self.began = perf_counter()
        # The clock is read once; everything this request does happens at this instant.
        self.now = timezone.now()
        with ExitStack() as self._scopes:
            response = super().dispatch(request, *args, **kwargs)
            if hasattr(response, "render"):
                response.render()
            return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.tenant = self._tenant_of(request)
        self._scopes.enter_context(enter(tenant_scope(self.tenant)))

    def check_permissions(self, request: Request) -> None:
        # A method that nobody may use is not a question of the token's scope.
        if request.auth is not None and request.method not in self.allowed_methods:
            raise MethodNotAllowed(request.method or "")
        super().check_permissions(request)

    def meta(self, request: Request, timestamp: str = "") -> dict[str, Any]:
        """What every answer says about itself; `timestamp` is when its content was read."""
        return {
            "correlation_id": correlation_id(request),
            "duration_ms": round((perf_counter() - self.began) * 1000, 3),
            "timestamp": timestamp or self.now.isoformat(),
            "version": settings.LEVQOR_VERSION,
        }

    def _tenant_of(self, request: Request) -> Tenant:
        tenants = Tenant.objects.of_member(int(request.user.pk or 0))
        wanted = request.headers.get(settings.TENANT_HEADER, "")
        # What cannot be an id is not asked of the database, which refuses a NUL with an error of its own.
        if len(wanted) > _LONGEST_EXT_ID or "\0" in wanted:
            raise NotFound("No such tenant.")
        if wanted:
            tenants = tenants.filter(ext_id=wanted)
        tenant = tenants.first()
        if tenant is None:
            raise NotFound("No such tenant.")
        return tenant
