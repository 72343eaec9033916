from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from tenancy.context import control_transaction
from tenancy.services.audit import append_audit
from tests.cast import make_cast

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

ODD_TEXTS = ["plain", 'quote " and \\', "line\nbreak\ttab", "\x01\x1f\x7f", "é 日本 🙂", "</script>"]


@pytest.fixture
def chain():
    """A tenant whose chain holds every odd text, as event, actor and metadata."""
    cast = make_cast()
    with control_transaction("test"):
        for number, text in enumerate(ODD_TEXTS):
            append_audit(
                tenant_id=cast.tenant.pk,
                event=text[:64],
                actor=text,
                metadata={"text": text, "n": number, "f": 1.50, "big": 10**20, "list": [None, True], "é": {}},
            )
    return cast.tenant


def verify(path, *options):
    out = StringIO()
    call_command("audit_verify", "--heads", str(path / "heads.txt"), *options, stdout=out)
    return out.getvalue()


def tamper(statement, *parameters):
    """What somebody with the owner's login may do."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement, parameters)
        assert cursor.rowcount > 0


def test_a_whole_chain_verifies_whatever_it_holds(chain, tmp_path):
    assert f"{chain.ext_id}: {2 + len(ODD_TEXTS)} rows, whole" in verify(tmp_path)
    assert "no heads" not in verify(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'eve'",
        "event = 'nothing'",
        "metadata = '{}'",
        "at = at + interval '1 microsecond'",
        "hash = repeat('0', 64)",
    ],
)
def test_a_changed_row_is_named(chain, tmp_path, change):
    tamper(f"UPDATE tenant_audit SET {change} WHERE tenant_id = %s AND seq = 4", chain.pk)

    with pytest.raises(CommandError, match=chain.ext_id):
        verify(tmp_path)


def test_a_missing_row_is_named(chain, tmp_path, capsys):
    tamper("DELETE FROM tenant_audit WHERE tenant_id = %s AND seq = 3", chain.pk)

    out = StringIO()
    with pytest.raises(CommandError):
        call_command("audit_verify", "--heads", str(tmp_path / "heads.txt"), stdout=out)

    assert f"{chain.ext_id}: 7 rows, row 3 is missing" in out.getvalue()


def test_rows_cut_from_the_end_are_named_by_the_heads_of_the_last_check(chain, tmp_path):
    verify(tmp_path)
    tamper("DELETE FROM tenant_audit WHERE tenant_id = %s AND seq > 6", chain.pk)

    out = StringIO()
    for _ in range(2):  # a failed check does not take the cut chain for the truth
        with pytest.raises(CommandError):
            call_command("audit_verify", "--heads", str(tmp_path / "heads.txt"), stdout=out)

    assert out.getvalue().count(f"{chain.ext_id}: 6 rows, rows 7 to 8 are cut off") == 2


def test_a_chain_grows_between_two_checks(chain, tmp_path):
    verify(tmp_path)
    with control_transaction("test"):
        append_audit(tenant_id=chain.pk, event="later", actor="test", metadata={})

    assert f"{chain.ext_id}: 9 rows, whole" in verify(tmp_path)


def test_a_changed_heads_file_is_refused(chain, tmp_path):
    verify(tmp_path)
    heads = tmp_path / "heads.txt"
    heads.write_text(heads.read_text().replace("8", "7", 1))

    with pytest.raises(CommandError, match="not as this portal wrote it"):
        verify(tmp_path)


def test_no_save_leaves_the_heads_alone(chain, tmp_path):
    verify(tmp_path, "--no-save")

    assert not (tmp_path / "heads.txt").exists()
