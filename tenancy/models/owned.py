"""What a row of tenant data has in common with every other."""

from __future__ import annotations

from django.db import models
from django.db.models import Func

from tenancy.models.tenants import Tenant, Uuid7


class CurrentTenant(Func):
    """The tenant the transaction is bound to, read by PostgreSQL itself; NULL in the control plane."""

    template = "nullif(current_setting('app.tenant_id', true), '')::uuid"
    output_field = models.UUIDField()


class TenantOwned(models.Model):
    """A row that belongs to one tenant.

    A tenant's own writes need not say whose they are: the column's default is the bound tenant. The control
    plane must name the tenant; forgetting it violates NOT NULL.
    """

    id = models.UUIDField(primary_key=True, db_default=Uuid7(), editable=False)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, db_default=CurrentTenant(), related_name="+", editable=False
    )

    class Meta:
        abstract = True
