"""The cast of the tests: Alice owns the tenant, Bob is a member, Charlie is a stranger to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

from django.contrib.auth.models import User
from rest_framework.test import APIClient

from tenancy.domain.modes import MemberRole
from tenancy.domain.tokens import TokenScope
from tenancy.models import Tenant
from tenancy.services.members import add_member, create_token

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Cast:
    """One tenant with Alice and Bob, another with Charlie."""

    tenant: Tenant
    alice: User
    bob: User
    other: Tenant
    charlie: User


def make_cast() -> Cast:
    """Two tenants and three people, real rows."""
    number = next(_numbers)
    tenant = Tenant.objects.create(ext_id=f"ALICE-{number}", name="Alice's")
    other = Tenant.objects.create(ext_id=f"CHARLIE-{number}", name="Charlie's")
    people = {}
    for name, where, role in (
        ("alice", tenant, MemberRole.OWNER),
        ("bob", tenant, MemberRole.VIEWER),
        ("charlie", other, MemberRole.OWNER),
    ):
        people[name] = User.objects.create_user(f"{name}-{number}")
        add_member(tenant=where, user=people[name], role=role, actor="test")
    return Cast(tenant, people["alice"], people["bob"], other, people["charlie"])


def token_of(user: User, *, scope: TokenScope = TokenScope.READ, days: float | None = 90) -> str:
    """A new token of `user`; a negative number of days makes one that has expired."""
    lifetime = timedelta(days=days) if days is not None else None
    return create_token(user=user, name="test", scope=scope, now=datetime.now(UTC), lifetime=lifetime)


def client_of(user: User, *, scope: TokenScope = TokenScope.READ, tenant: str = "") -> APIClient:
    """An API client that carries a token of `user`, and the tenant header when one is named."""
    client = APIClient(raise_request_exception=False)
    headers = {"HTTP_AUTHORIZATION": f"Bearer {token_of(user, scope=scope)}"}
    if tenant:
        headers["HTTP_X_TENANT_ID"] = tenant
    client.credentials(**headers)
    return client
