from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
from django.db import DatabaseError, ProgrammingError, connection, connections, transaction

from intelligence.models import IntelEvent
from intelligence.services import records
from monitoring.models import HealthLog
from tenancy.context import (
    NoTenantScope,
    ScopeOutsideTransaction,
    ScopeSwitch,
    activate,
    control_plane,
    control_transaction,
    current_scope,
    current_tenant_id,
    tenant_transaction,
)
from tenancy.domain.row_security import APP_ROLE, CONTROL_ROLE, TENANT_ROLE
from tests.cast import make_cast

NOON = datetime(2025, 11, 15, 12, tzinfo=UTC)
TENANT_MODELS = [IntelEvent, HealthLog]


@pytest.fixture
def cast(db):
    return make_cast()


def bound():
    """The role, tenant and search path PostgreSQL holds at this moment."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, current_setting('app.tenant_id', true), current_setting('search_path')"
        )
        return cursor.fetchone()


@pytest.mark.parametrize("model", TENANT_MODELS)
def test_without_a_scope_tenant_tables_raise(cast, model):
    with pytest.raises(NoTenantScope), transaction.atomic():
        model.objects.exists()


def test_without_a_scope_there_is_no_tenant(cast):
    with pytest.raises(NoTenantScope):
        current_tenant_id()
    with control_plane("test"), pytest.raises(NoTenantScope):
        current_tenant_id()
    with activate(cast.tenant):
        assert current_tenant_id() == cast.tenant.pk


def test_a_scope_without_a_transaction_raises(cast):
    with activate(cast.tenant), pytest.raises(ScopeOutsideTransaction):
        IntelEvent.objects.exists()


def test_a_switch_inside_a_transaction_raises(cast):
    with tenant_transaction(cast.tenant):
        IntelEvent.objects.exists()
        with pytest.raises(ScopeSwitch), activate(cast.other):
            pass
        with pytest.raises(ScopeSwitch), control_plane("test"):
            pass
        with activate(cast.tenant):
            assert not IntelEvent.objects.exists()


def test_a_transaction_that_outlives_its_scope_serves_no_other(cast):
    with transaction.atomic():
        with activate(cast.tenant):
            IntelEvent.objects.exists()
        with pytest.raises(ScopeSwitch), activate(cast.other):
            IntelEvent.objects.exists()


def test_the_scope_before_is_restored_whatever_happens(cast):
    with pytest.raises(RuntimeError), activate(cast.tenant), activate(cast.other):
        raise RuntimeError
    assert current_scope() is None


def test_a_savepoint_rolled_back_leaves_the_scope_bound(cast):
    with tenant_transaction(cast.tenant):
        with pytest.raises(RuntimeError), transaction.atomic():  # noqa: PT012  (the block is undone)
            IntelEvent.objects.exists()
            raise RuntimeError
        assert bound()[:2] == (TENANT_ROLE, str(cast.tenant.pk))
        assert not IntelEvent.objects.exists()


def test_a_scope_first_used_inside_a_rolled_back_savepoint_is_bound_again(cast):
    with tenant_transaction(cast.tenant):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")
        assert bound()[:2] == (TENANT_ROLE, str(cast.tenant.pk))


def test_nothing_of_a_scope_stays_on_the_connection(transactional_db):
    cast = make_cast()
    with tenant_transaction(cast.tenant):
        assert bound()[0] == TENANT_ROLE
    assert bound() == (APP_ROLE, "", '"$user", public')
    with control_transaction("test"):
        assert bound()[:2] == (CONTROL_ROLE, "")
    with pytest.raises(RuntimeError), tenant_transaction(cast.other):  # noqa: PT012  (the block is undone)
        bound()
        raise RuntimeError

    assert bound() == (APP_ROLE, "", '"$user", public')
    with pytest.raises(NoTenantScope):
        IntelEvent.objects.exists()


def test_the_next_tenant_on_the_same_connection_sees_nothing_of_the_one_before(transactional_db):
    cast = make_cast()
    with activate(cast.tenant):
        records.log_intel_event("canary-7f3a", 1, 1)
    backend = connection.connection.info.backend_pid

    with activate(cast.other):
        assert records.get_recent_events() == []
    assert connection.connection.info.backend_pid == backend


@pytest.mark.django_db(transaction=True)
def test_eight_threads_each_see_their_own_tenant_only():
    casts = [make_cast() for _ in range(4)]
    tenants = [tenant for cast in casts for tenant in (cast.tenant, cast.other)]
    together = Barrier(len(tenants))

    def work(tenant):
        seen = set()
        try:
            assert current_scope() is None
            together.wait(10)
            for number in range(25):
                with activate(tenant):
                    records.log_intel_event(tenant.ext_id, number, 0)
                    seen |= {row["event"] for row in records.get_recent_events(200)}
            with activate(tenant):
                return seen, len(records.get_recent_events(200))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(tenants)) as pool:
        found = list(pool.map(work, tenants))

    assert found == [({tenant.ext_id}, 25) for tenant in tenants]


@pytest.mark.parametrize("open_scope", [tenant_transaction, lambda tenant: control_transaction("test")])
def test_no_role_reads_a_partition_by_name(cast, open_scope):
    records.log_health_metric("ok", "ok", 1)
    with control_transaction("test"), connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::oid FROM system_health_log LIMIT 1")
        cursor.execute("SELECT relname FROM pg_class WHERE oid = %s", [cursor.fetchone()[0]])
        partition = cursor.fetchone()[0]

    refused = pytest.raises(ProgrammingError, match="permission denied for schema")
    with open_scope(cast.tenant), refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM health_partitions.{partition}")


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE intel_events DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE intel_events DISABLE TRIGGER ALL",
        "DROP POLICY tenant_rows ON intel_events",
        "CREATE TABLE public.mine (a int)",
        "SET ROLE levqor_owner",
        "COPY intel_events TO PROGRAM 'cat'",
    ],
)
def test_a_tenant_cannot_undo_its_isolation(cast, statement):
    refused = pytest.raises(ProgrammingError, match=r"permission denied|must be owner")
    with tenant_transaction(cast.tenant), refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    "write",
    [
        lambda other: IntelEvent.objects.create(event="theirs", value=1, ts=NOON, tenant=other),
        lambda other: IntelEvent.objects.update(tenant=other),
    ],
)
def test_a_tenant_cannot_write_for_another(cast, write):
    with tenant_transaction(cast.tenant):
        IntelEvent.objects.create(event="mine", value=1, ts=NOON)
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            write(cast.other)


def test_a_tenant_can_neither_change_nor_delete_an_observation(cast):
    with activate(cast.tenant):
        records.log_health_metric("ok", "ok", 1)
    with tenant_transaction(cast.tenant):
        for change in (lambda: HealthLog.objects.update(ok=False), lambda: HealthLog.objects.all().delete()):
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                change()
