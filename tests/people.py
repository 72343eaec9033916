"""A fixed cast with its roles: Ada owns the platform, Otto operates it, Vera looks, Tina runs a tenant."""

from __future__ import annotations

from django.contrib.auth.models import Group, User
from django.test import Client

from levqor.roles import ensure_roles
from tenancy.domain.modes import MemberRole
from tenancy.models import Tenant
from tenancy.services.members import add_member

PASSWORD = "correct-horse-battery"


def make_superuser(name: str = "ada", password: str | None = None) -> User:
    """Somebody who may do everything. A password takes long to hash: only where somebody signs in."""
    return User.objects.create_superuser(name, password=password)


def make_person(name: str, *roles: str, tenant: Tenant | None = None) -> User:
    """Staff with the roles, and a member of `tenant`."""
    ensure_roles()
    user = User.objects.create_user(name, is_staff=True)
    user.groups.set(Group.objects.filter(name__in=roles))
    if tenant is not None:
        add_member(tenant=tenant, user=user, role=MemberRole.ADMIN, actor="test")
    return user


def browser_of(user: User) -> Client:
    """A client in which `user` is signed in."""
    client = Client()
    client.force_login(user)
    return client
