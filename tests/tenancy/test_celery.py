"""Tasks run in the scope their message was stamped with, through a real broker and a real worker."""

from __future__ import annotations

import pytest
from celery import current_app
from celery.contrib.testing.worker import start_worker
from django.db import connections

from tenancy.celery import ControlTask, ScopedTask, stamp_message
from tenancy.context import NoTenantScope, control_plane, current_scope, tenant_transaction
from tenancy.models import Tenant
from tenancy.stamps import HEADER

_seen: list[object] = []


def _look(**kwargs):
    scope = current_scope()
    _seen.append((scope.role, scope.tenant_id) if scope else None)


class _Tenants(ScopedTask):
    name = "tests.of_a_tenant"

    def run(self, **kwargs):
        _look()


class _Controls(ControlTask):
    name = "tests.of_the_control_plane"

    def run(self, **kwargs):
        _look()


@pytest.fixture
def tasks():
    _seen.clear()
    registered = [current_app.register_task(task()) for task in (_Tenants, _Controls)]
    yield registered
    for task in registered:
        current_app.tasks.pop(task.name)


@pytest.fixture
def tenant(db):
    return Tenant.objects.get(ext_id="000-CORE")


def test_eagerly_a_tenant_task_takes_the_callers_scope(tasks, tenant):
    with tenant_transaction(tenant):
        tasks[0].apply(throw=True)

    assert _seen == [("levqor_tenant", tenant.pk)]


def test_eagerly_a_tenant_task_without_a_scope_refuses(tasks):
    with pytest.raises(NoTenantScope, match="sent in no scope"):
        tasks[0].apply(throw=True)

    assert _seen == []


def test_a_tenant_task_sent_from_the_control_plane_refuses(tasks):
    with control_plane("test"), pytest.raises(NoTenantScope, match="runs in the tenant plane"):
        tasks[0].apply(throw=True)

    assert _seen == []


def test_eagerly_a_control_task_enters_its_plane(tasks):
    tasks[1].apply(throw=True)

    assert _seen == [("levqor_control", None)]
    assert current_scope() is None


def test_called_as_a_function_the_callers_scope_counts(tasks, tenant):
    tasks[0]()
    with tenant_transaction(tenant):
        tasks[0]()

    assert _seen == [None, ("levqor_tenant", tenant.pk)]


def test_a_message_without_a_scope_gets_no_stamp(tasks):
    headers = {"id": "1"}

    stamp_message(sender=tasks[0].name, headers=headers)

    assert HEADER not in headers


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore")  # Celery's own test worker warns of its logging
def test_through_a_real_worker_messages_run_in_their_scope_or_not_at_all(tasks):
    tenant = Tenant.objects.get(ext_id="000-CORE")
    of_tenant, of_control = tasks
    current_app.control.purge()

    with start_worker(current_app, perform_ping_check=False, pool="solo", shutdown_timeout=20):
        of_tenant.apply_async()  # nobody's
        of_tenant.apply_async(headers={HEADER: "forged"})
        of_control.apply_async()
        with tenant_transaction(tenant):
            of_tenant.apply_async()
        _wait_for(2)
    connections.close_all()

    assert _seen == [("levqor_control", None), ("levqor_tenant", tenant.pk)]


def _wait_for(count: int) -> None:
    import time

    for _ in range(200):
        if len(_seen) >= count:
            return
        time.sleep(0.05)
