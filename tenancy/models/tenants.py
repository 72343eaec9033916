"""Tenants and their members."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import Func, Q

from tenancy.domain.modes import MemberRole, Plan, TenantMode, TenantStatus


class Uuid7(Func):
    """PostgreSQL's `uuidv7()`: ids that sort by time."""

    function = "uuidv7"
    template = "%(function)s()"
    output_field = models.UUIDField()


class TenantQuerySet(models.QuerySet["Tenant"]):
    def active(self) -> TenantQuerySet:
        """Tenants that may be served."""
        return self.filter(status=TenantStatus.ACTIVE.value)

    def of_member(self, user_id: int) -> TenantQuerySet:
        """The active tenants `user_id` belongs to, the oldest membership first."""
        return self.active().filter(members__user_id=user_id).order_by("members__id")


class Tenant(models.Model):
    """One customer of the platform, and where its rows live."""

    id = models.UUIDField(primary_key=True, db_default=Uuid7(), editable=False)
    # What outsiders call the tenant, e.g. in the tenant header: "000-CORE".
    ext_id = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    plan = models.CharField(
        max_length=16, choices=[(p.value, p.value) for p in Plan], default=Plan.CORE.value
    )
    region = models.CharField(max_length=32, default="eu-west-1")
    status = models.CharField(
        max_length=32,
        choices=[(s.value, s.value.replace("_", " ")) for s in TenantStatus],
        default=TenantStatus.ACTIVE.value,
    )
    mode = models.CharField(
        max_length=16,
        choices=[(m.value, m.value.replace("_", " ")) for m in TenantMode],
        default=TenantMode.SINGLE.value,
    )
    # Empty until the tenant has a schema of its own.
    schema_name = models.CharField(max_length=14, blank=True, default="")
    # Raised by one at each cut-over: whoever still holds an older number is refused.
    epoch = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=TransactionNow(), editable=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        db_table = "tenants"
        permissions = [("use_control_plane", "May act in the control plane, which sees every tenant's rows")]
        constraints = [
            models.CheckConstraint(
                name="tenant_schema_name_is_ours",
                condition=Q(schema_name="") | Q(schema_name__regex=r"^t_[0-9a-f]{12}$"),
            ),
            models.UniqueConstraint(
                fields=["schema_name"], name="tenant_schema_name_unique", condition=~Q(schema_name="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ext_id} {self.name}"


class TenantUser(models.Model):
    """A user's membership in a tenant."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(
        max_length=16, choices=[(r.value, r.value) for r in MemberRole], default=MemberRole.VIEWER.value
    )
    created_at = models.DateTimeField(db_default=TransactionNow(), editable=False)

    class Meta:
        db_table = "tenant_users"
        verbose_name = "member"
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="tenant_user_unique")]

    def __str__(self) -> str:
        return f"{self.user} in {self.tenant}"
