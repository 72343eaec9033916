"""The audit chain: what was done to a tenant, by whom, in an order nobody can change unseen."""

from __future__ import annotations

from django.db import models

from tenancy.models.tenants import Tenant, Uuid7


class TenantAudit(models.Model):
    """One audited event. Written by the database function `tenant_audit_append` and by nothing else."""

    id = models.UUIDField(primary_key=True, db_default=Uuid7(), editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="audit")
    # 1, 2, 3 … within the tenant: a missing number is a missing row.
    seq = models.BigIntegerField()
    event = models.CharField(max_length=64)
    actor = models.CharField(max_length=150)
    metadata = models.JSONField(default=dict)
    at = models.DateTimeField()
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        db_table = "tenant_audit"
        verbose_name = "audit event"
        constraints = [models.UniqueConstraint(fields=["tenant", "seq"], name="tenant_audit_seq_unique")]

    def __str__(self) -> str:
        return f"{self.seq} {self.event}"
