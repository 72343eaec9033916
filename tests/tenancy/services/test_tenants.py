import pytest

from tenancy.context import control_transaction
from tenancy.domain.modes import Plan, TenantStatus
from tenancy.models import Tenant, TenantAudit
from tenancy.services.tenants import create_tenant, describe_tenant

pytestmark = pytest.mark.django_db


def created():
    return create_tenant(ext_id="T-9", name="Bolt", plan=Plan.PRO, region="eu-west-1", actor="ada")


def described(tenant, **changes):
    wanted = {"name": "Bolt", "plan": Plan.PRO, "region": "eu-west-1", "status": TenantStatus.ACTIVE}
    return describe_tenant(tenant=tenant, actor="ada", **{**wanted, **changes})


def audited(tenant):
    with control_transaction("test"):
        return list(
            TenantAudit.objects.filter(tenant=tenant).order_by("seq").values("event", "actor", "metadata")
        )


def test_create_tenant_begins_its_audit_chain():
    tenant = created()

    assert (tenant.mode, tenant.schema_name) == ("single", "")
    assert [(row["event"], row["actor"]) for row in audited(tenant)] == [("tenant_created", "ada")]


def test_describe_tenant_audits_what_changed_and_from_what():
    tenant = created()

    assert described(tenant, name="Bolt Ltd", status=TenantStatus.SUSPENDED)

    assert Tenant.objects.active().filter(pk=tenant.pk).count() == 0
    assert audited(tenant)[-1]["metadata"] == {
        "before": {"name": "Bolt", "status": "active"},
        "after": {"name": "Bolt Ltd", "status": "suspended"},
    }


def test_describe_tenant_audits_nothing_when_nothing_changed():
    tenant = created()

    assert not described(tenant)

    assert len(audited(tenant)) == 1
