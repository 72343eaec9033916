"""What a caller may do."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from tenancy.domain.tokens import TokenScope
from tenancy.models import ApiToken


class HasTokenScope(BasePermission):
    """Reading needs a token, writing needs one with the scope `write`."""

    message = "This token may only read. Make one with --scope write."

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, ApiToken):
            return False
        wanted = TokenScope.READ if request.method in SAFE_METHODS else TokenScope.WRITE
        return TokenScope(request.auth.scope).allows(wanted)
