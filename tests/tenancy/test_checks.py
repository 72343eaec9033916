import pytest
from django.core.checks import run_checks
from django.db import connection, connections

from tenancy.checks import ceiling_is_known, isolation_holds
from tenancy.services.isolation import isolation_faults


def ids(messages):
    return [message.id for message in messages]


@pytest.mark.parametrize("mode", ["", "Single", "triple", "schema"])
def test_e001_refuses_an_unknown_mode(settings, mode):
    settings.TENANCY_MODE = mode

    assert ids(ceiling_is_known(None)) == ["tenancy.E001"]
    assert "tenancy.E001" in ids(run_checks())


@pytest.mark.parametrize("mode", ["single", "dual", "multi"])
def test_e001_knows_the_three_modes(settings, mode):
    settings.TENANCY_MODE = mode

    assert ceiling_is_known(None) == []


@pytest.mark.django_db
def test_e002_is_silent_when_isolation_holds():
    assert isolation_holds(None, databases=["default"]) == []
    assert isolation_holds(None, databases=None) == []


@pytest.mark.django_db(databases=["default", "owner"])
def test_e002_names_a_login_with_too_many_rights():
    faults = isolation_faults(connections["owner"])

    assert any("bypasses row level security" in fault for fault in faults)
    assert any("owns tables" in fault for fault in faults)


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
@pytest.mark.parametrize("undo", ["NO FORCE ROW LEVEL SECURITY", "DISABLE ROW LEVEL SECURITY"])
@pytest.mark.parametrize("table", ["intel_events", "system_health_log"])
def test_e002_names_a_tenant_table_without_forced_row_security(table, undo):
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} {undo}")

    messages = isolation_holds(None, databases=["default"])

    assert ids(messages) == ["tenancy.E002"]
    assert table in messages[0].msg
    assert connection.alias == "default"
