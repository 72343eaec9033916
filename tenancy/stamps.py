"""Signed stamps: how a scope travels with a message.

A stamp names the task and the message it was made for, so it cannot be lifted from one message onto another.
"""

from __future__ import annotations

from uuid import UUID

from django.core import signing

from tenancy.context import NoTenantScope, Scope, control_scope, tenant_scope
from tenancy.domain.row_security import CONTROL_ROLE

# The message header that carries the stamp.
HEADER = "levqor_scope"
_SALT = "levqor.tenancy.stamp"
_CONTROL = "control"


class BadStamp(NoTenantScope):
    """The message carries no stamp, or one that does not hold."""


def make_stamp(scope: Scope, *, task: str, task_id: str) -> str:
    """The signed stamp of `scope` for one message. No queries."""
    name = _CONTROL if scope.role == CONTROL_ROLE else str(scope.tenant_id)
    claims = {"scope": name, "epoch": scope.epoch, "task": task, "id": task_id}
    return signing.dumps(claims, salt=_SALT, compress=True)


def read_stamp(stamp: str | None, *, task: str, task_id: str) -> Scope:
    """The scope that `stamp` names. One query for a tenant's stamp, none for the control plane's.

    Raises:
        BadStamp: when it is missing, forged, made for another message, or its tenant was cut over or closed.
    """
    if not isinstance(stamp, str):
        raise BadStamp(f"A message for {task} carries no stamp, so it belongs to nobody.")
    try:
        claims = signing.loads(stamp, salt=_SALT)
    except signing.BadSignature as error:
        raise BadStamp(f"A message for {task} carries a stamp that was not made here.") from error
    if (claims["task"], claims["id"]) != (task, task_id):
        raise BadStamp(f"A message for {task} carries the stamp of another message.")
    if claims["scope"] == _CONTROL:
        return control_scope(task)
    return _tenant_scope_of(UUID(claims["scope"]), claims["epoch"], task)


def _tenant_scope_of(tenant_id: UUID, epoch: int, task: str) -> Scope:
    from tenancy.models import Tenant  # the app registry is not ready when this module is first imported

    tenant = Tenant.objects.active().filter(pk=tenant_id).first()
    if tenant is None:
        raise BadStamp(f"A message for {task} names a tenant that is not served.")
    if tenant.epoch != epoch:
        raise BadStamp(f"A message for {task} is from before the cut-over of tenant {tenant.ext_id}.")
    return tenant_scope(tenant)
