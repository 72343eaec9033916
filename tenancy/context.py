"""The broker: in whose name the current code reads and writes.

A scope is either one tenant or the control plane (the measuring plane: prober, rollups, judge). It lives in
a ContextVar, so that a thread or a task without a scope has none, and it reaches PostgreSQL through the
thin backend in `tenancy.backend`, once per outermost transaction and only for that transaction. Code without
a scope sees control tables only; a statement on a tenant table raises `NoTenantScope`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction

from tenancy.domain.row_security import CONTROL_ROLE, TENANT_ROLE

if TYPE_CHECKING:
    from tenancy.models.tenants import Tenant


class ScopeError(Exception):
    """A statement was about to run in nobody's name, or in somebody else's."""


class NoTenantScope(ScopeError):
    """Tenant data was touched without a scope."""


class ScopeOutsideTransaction(ScopeError):
    """A scope was active but no transaction was open, so the scope could not be bound."""


class ScopeSwitch(ScopeError):
    """A transaction bound to one scope met another."""


@dataclass(frozen=True, slots=True)
class Scope:
    """In whose name statements run: the PostgreSQL role, the tenant and the schemas searched."""

    role: str
    tenant_id: UUID | None = None
    search_path: str = "public"
    epoch: int = 0
    # For error messages only: two scopes with different labels are the same scope.
    label: str = field(default="", compare=False)


_scope: ContextVar[Scope | None] = ContextVar("levqor_scope", default=None)


def current_scope() -> Scope | None:
    """The active scope, or None."""
    return _scope.get()


def current_tenant_id() -> UUID:
    """The tenant of the active scope.

    Raises:
        NoTenantScope: without a scope, or in the control plane, which belongs to no tenant.
    """
    scope = _scope.get()
    if scope is None or scope.tenant_id is None:
        where = "the control plane" if scope else "no scope"
        raise NoTenantScope(
            f"A tenant is needed here, but {where} is active. Wrap the code in activate(tenant)."
        )
    return scope.tenant_id


def tenant_scope(tenant: Tenant) -> Scope:
    """The scope in which `tenant`'s own rows, and nothing else, are visible."""
    return Scope(role=TENANT_ROLE, tenant_id=tenant.pk, epoch=tenant.epoch, label=f"tenant {tenant.ext_id}")


def control_scope(purpose: str) -> Scope:
    """The scope of the measuring plane, named for error messages."""
    return Scope(role=CONTROL_ROLE, label=f"control plane ({purpose})")


@contextmanager
def enter(scope: Scope) -> Iterator[Scope]:
    """This will make `scope` the active one and restore what was before, whatever happens inside.

    Raises:
        ScopeSwitch: when another scope is active in an open transaction.
    """
    active = _scope.get()
    connection = transaction.get_connection()
    if active is not None and active != scope and connection.in_real_transaction:
        raise ScopeSwitch(
            f"A transaction of {active.label} is open; it cannot go on as {scope.label}. "
            "Close it first, or do this work before it begins."
        )
    token = _scope.set(scope)
    try:
        yield scope
    finally:
        _scope.reset(token)


def activate(tenant: Tenant) -> AbstractContextManager[Scope]:
    """`with activate(tenant):` everything inside runs in the tenant's name (open a transaction inside)."""
    return enter(tenant_scope(tenant))


def control_plane(purpose: str) -> AbstractContextManager[Scope]:
    """`with control_plane("prober"):` everything inside runs as the measuring plane."""
    return enter(control_scope(purpose))


@contextmanager
def tenant_transaction(tenant: Tenant) -> Iterator[Scope]:
    """A transaction in the tenant's name."""
    with enter(tenant_scope(tenant)) as scope, transaction.atomic():
        yield scope


@contextmanager
def control_transaction(purpose: str) -> Iterator[Scope]:
    """A transaction of the measuring plane."""
    with enter(control_scope(purpose)) as scope, transaction.atomic():
        yield scope
