"""The core tenant, its members, and tokens."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from tenancy.domain.modes import MemberRole
from tenancy.domain.tokens import TokenScope, digest_of, new_token
from tenancy.models import ApiToken, Tenant, TenantUser
from tenancy.services.audit import append_audit


class UnableToFindTenant(Exception):
    """There is no such tenant, or it may not be used by who asked."""


def default_tenant() -> Tenant:
    """The platform's own tenant. One query.

    Raises:
        UnableToFindTenant: when `DEFAULT_TENANT_ID` names none.
    """
    tenant = Tenant.objects.active().filter(ext_id=settings.DEFAULT_TENANT_ID).first()
    if tenant is None:
        raise UnableToFindTenant(
            f"No active tenant {settings.DEFAULT_TENANT_ID!r} (DEFAULT_TENANT_ID). "
            "Run `manage.py migrate`, which seeds 000-CORE."
        )
    return tenant


@transaction.atomic
def add_member(*, tenant: Tenant, user: User, role: MemberRole, actor: str) -> TenantUser:
    """This will make `user` a member, or change the role of one, and audit it."""
    member, created = TenantUser.objects.update_or_create(
        tenant=tenant, user=user, defaults={"role": role.value}
    )
    event = "member_added" if created else "member_role_changed"
    append_audit(
        tenant_id=tenant.pk,
        event=event,
        actor=actor,
        metadata={"user": user.get_username(), "role": role.value},
    )
    return member


@transaction.atomic
def create_operator(*, username: str, password: str, actor: str) -> User:
    """This will create a superuser who owns the core tenant."""
    user = User.objects.create_superuser(username=username, password=password)
    add_member(tenant=default_tenant(), user=user, role=MemberRole.OWNER, actor=actor)
    return user


@transaction.atomic
def create_token(
    *, user: User, name: str, scope: TokenScope, now: datetime, lifetime: timedelta | None
) -> str:
    """This will create a token and return it. It cannot be shown again: only its hash is stored."""
    token = new_token()
    ApiToken.objects.create(
        user=user,
        name=name,
        prefix=token[:12],
        digest=digest_of(token),
        scope=scope.value,
        expires_at=now + lifetime if lifetime else None,
    )
    return token
