"""Who calls: `Authorization: Bearer TOKEN`."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from tenancy.domain.tokens import TOKEN_PREFIX, digest_of
from tenancy.models import ApiToken

_REFUSED = "The token is not valid: unknown, expired or revoked."


class TokenAuthentication(BaseAuthentication):
    """Reads a bearer token and finds its user. One query, and one write an hour."""

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        header = get_authorization_header(request).split()
        if not header or header[0].lower() != b"bearer":
            return None
        if len(header) != 2 or not header[1].startswith(TOKEN_PREFIX.encode()) or not header[1].isascii():
            raise AuthenticationFailed(_REFUSED)
        token = ApiToken.objects.select_related("user").filter(digest=digest_of(header[1].decode())).first()
        now = timezone.now()
        if token is None or not token.is_valid_at(now) or not token.user.is_active:
            raise AuthenticationFailed(_REFUSED)
        hour = now.replace(minute=0, second=0, microsecond=0)
        if token.last_used_at is None or token.last_used_at < hour:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=hour)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="levqor"'
