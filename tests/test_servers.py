"""What `conftest.py` promises to every other test."""

from __future__ import annotations

import os
import socket

import pytest
from django.core.cache import cache
from django.db import connection, connections

from tenancy.models import Tenant


@pytest.mark.django_db(databases=["default", "owner"])
def test_tests_run_as_the_unprivileged_role_and_the_owner_alias_as_the_owner() -> None:
    found = []

    for one in (connection, connections["owner"]):
        with one.cursor() as cursor:
            cursor.execute(
                "SELECT session_user::text, rolsuper, rolbypassrls,"
                " has_database_privilege(current_database(), 'TEMP') FROM pg_roles"
                " WHERE rolname = session_user"
            )
            found.append(cursor.fetchone())

    assert found == [("levqor_app", False, False, True), ("levqor_owner", False, True, True)]


@pytest.mark.django_db(databases=["default", "owner"])
def test_both_aliases_lead_to_this_workers_own_database() -> None:
    names = {connections[alias].settings_dict["NAME"] for alias in ("default", "owner")}

    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    assert len(names) == 1
    assert names.pop().endswith(f"_{worker}")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", [1, 2])
def test_what_a_test_commits_is_gone_for_the_next_and_what_migrations_made_is_back(attempt: int) -> None:
    seeded = list(Tenant.objects.values_list("ext_id", flat=True))

    Tenant.objects.update(ext_id="000-CHANGED")
    Tenant.objects.create(ext_id="LEFT-OVER", name="Left over")

    assert seeded == ["000-CORE"]


def test_the_cache_is_a_real_server() -> None:
    cache.set("answer", 42, 5)

    assert cache.get("answer") == 42


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "example.com"])
def test_the_network_is_off(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as client, pytest.raises(RuntimeError, match="network is off"):
        client.connect((host, 80))
