from uuid import UUID

import pytest
from django.db import DatabaseError, ProgrammingError, connection, transaction

from tenancy.context import control_transaction, tenant_transaction
from tenancy.models import TenantAudit
from tenancy.services.audit import append_audit
from tests.cast import make_cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast():
    return make_cast()


def append(tenant, event="test"):
    return append_audit(tenant_id=tenant.pk, event=event, actor="test", metadata={"n": 1})


def test_numbers_follow_one_another_within_each_tenant(cast):
    with tenant_transaction(cast.tenant):
        first = append(cast.tenant)
        assert append(cast.tenant) == first + 1
    with tenant_transaction(cast.other):
        last = TenantAudit.objects.order_by("-seq").first()
        assert append(cast.other) == last.seq + 1


def test_a_tenant_appends_to_its_own_chain_only(cast):
    refused = pytest.raises(ProgrammingError, match="own audit chain only")
    with tenant_transaction(cast.tenant), refused, transaction.atomic():
        append(cast.other)


def test_a_tenant_reads_its_own_chain_only(cast):
    with tenant_transaction(cast.tenant):
        append(cast.tenant, event="mine")
    with tenant_transaction(cast.other):
        assert not TenantAudit.objects.filter(event="mine").exists()
        assert not TenantAudit.objects.exclude(tenant=cast.other).exists()


@pytest.mark.parametrize("open_scope", [tenant_transaction, lambda tenant: control_transaction("test")])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO tenant_audit (tenant_id, seq, event, actor, metadata, at, prev_hash, hash)"
        " VALUES ('{tenant}', 99, 'e', 'a', '{{}}', now(), '', '')",
        "UPDATE tenant_audit SET actor = 'somebody else'",
        "DELETE FROM tenant_audit",
        "TRUNCATE tenant_audit",
    ],
)
def test_no_role_writes_the_chain_past_its_function(cast, open_scope, statement):
    refused = pytest.raises(ProgrammingError, match="permission denied for table tenant_audit")
    with open_scope(cast.tenant), refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(tenant=cast.tenant.pk))


def test_an_unknown_tenant_has_no_chain(cast):
    refused = pytest.raises(DatabaseError, match="no such tenant")
    with control_transaction("test"), refused, transaction.atomic():
        append_audit(tenant_id=UUID(int=0), event="e", actor="a", metadata={})
