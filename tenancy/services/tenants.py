"""Tenants: who they are. Where their rows live is decided elsewhere."""

from __future__ import annotations

from django.db import transaction

from tenancy.domain.modes import Plan, TenantStatus
from tenancy.models import Tenant
from tenancy.services.audit import append_audit


@transaction.atomic
def create_tenant(*, ext_id: str, name: str, plan: Plan, region: str, actor: str) -> Tenant:
    """This will create a tenant and begin its audit chain. Its rows live in the shared tables at first.

    Raises:
        IntegrityError: when `ext_id` is taken.
    """
    tenant = Tenant.objects.create(ext_id=ext_id, name=name, plan=plan.value, region=region)
    metadata = {"ext_id": ext_id, "name": name, "plan": plan.value, "region": region}
    append_audit(tenant_id=tenant.pk, event="tenant_created", actor=actor, metadata=metadata)
    return tenant


@transaction.atomic
def describe_tenant(
    *, tenant: Tenant, name: str, plan: Plan, region: str, status: TenantStatus, actor: str
) -> bool:
    """This will change what is known of a tenant and audit it; False when nothing was changed."""
    wanted = {"name": name, "plan": plan.value, "region": region, "status": status.value}
    row = Tenant.objects.select_for_update().get(pk=tenant.pk)
    changed = {field: value for field, value in wanted.items() if getattr(row, field) != value}
    if not changed:
        return False
    before = {field: getattr(row, field) for field in changed}
    Tenant.objects.filter(pk=row.pk).update(**changed)
    metadata = {"before": before, "after": changed}
    append_audit(tenant_id=row.pk, event="tenant_changed", actor=actor, metadata=metadata)
    return True
