"""Somebody with all rights over the database, and what tells on them."""

import pytest

from monitoring.domain.occasions import Occasion
from monitoring.services.bundles import evidence_bundle
from monitoring.services.verdicts import UnableToReplay, store_verdict, verify_chain
from monitoring.services.verification import DifferenceKind, verify
from tests.factories import NOON
from tests.monitoring.services.weeks import HOUR, as_owner, good_week

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

CHAIN_OFF = "ALTER TABLE verdicts DISABLE TRIGGER USER; ALTER TABLE verdict_rows DISABLE TRIGGER USER; "


def three():
    return [store_verdict(now=NOON + n * HOUR, occasion=Occasion.COMMAND) for n in range(3)]


def test_even_the_owner_meets_the_trigger():
    three()

    for sql in ("UPDATE verdicts SET within = 5", "DELETE FROM verdict_rows", "DELETE FROM burn_in_changes"):
        with pytest.raises(Exception, match="never changed or deleted"):
            as_owner(sql)


def test_altered_record_is_named():
    three()
    as_owner(CHAIN_OFF + "UPDATE verdicts SET record = replace(record, 'NO-GO', 'GO') WHERE number = 2")

    assert verify_chain() == ("Verdict 2 was changed: its record does not have its hash.",)
    assert verify(2).differences[0].text.startswith("The record of verdict 2 was changed")
    with pytest.raises(UnableToReplay, match="was changed"):
        evidence_bundle(2)


def test_altered_record_with_its_hash_made_anew_is_named():
    three()
    as_owner(
        CHAIN_OFF + "UPDATE verdicts SET record = replace(record, 'NO-GO', 'GO') WHERE number = 2;"
        "UPDATE verdicts SET hash = encode(sha256(convert_to(record, 'UTF8')), 'hex') WHERE number = 2"
    )

    assert verify_chain() == ("Verdict 3 does not follow verdict 2.",)
    assert "does not follow" in verify(3).differences[0].text


def test_verdict_taken_out_is_named():
    three()
    as_owner(
        CHAIN_OFF + "DELETE FROM verdict_rows WHERE verdict_id = 2; DELETE FROM verdicts WHERE number = 2"
    )

    assert verify_chain() == ("Verdict 2 is missing: 3 follows 1.",)


def test_altered_column_beside_the_record_is_named():
    three()
    as_owner(CHAIN_OFF + "UPDATE verdicts SET proven = 4 WHERE number = 1")

    assert [one.text for one in verify(1).differences] == ["Column proven of verdict 1 says 4, its record 0."]


def test_altered_rows_of_a_verdict_are_named():
    good_week()
    three()
    as_owner(
        CHAIN_OFF + "UPDATE verdict_rows SET packed = (SELECT packed FROM verdict_rows WHERE verdict_id = 2)"
        " WHERE verdict_id = 1"
    )

    assert "do not have its Merkle root" in verify(1).differences[0].text
    with pytest.raises(UnableToReplay, match="was changed"):
        evidence_bundle(1)


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        (
            "UPDATE system_health_log SET ok = false WHERE id = (SELECT min(id) FROM system_health_log"
            " WHERE ts >= '2025-11-12')",
            "bad was 0, is 1. Bad there now: row ",
        ),
        (
            "DELETE FROM system_health_log WHERE id = (SELECT min(id) FROM system_health_log"
            " WHERE ts >= '2025-11-12')",
            "total was 1, is 0",
        ),
    ],
)
def test_altered_log_row_is_named(sql, named):
    good_week()
    three()
    as_owner("SET ROLE levqor_owner; ALTER TABLE system_health_log NO FORCE ROW LEVEL SECURITY; " + sql)

    found = [one.text for one in verify(1).differences]

    assert len(found) == 1
    assert found[0].startswith("system_health_log of ")
    assert named in found[0]


def test_altered_hour_row_is_named():
    good_week()
    three()
    as_owner(
        "ALTER TABLE health_hours NO FORCE ROW LEVEL SECURITY;"
        "UPDATE health_hours SET bad = 1 WHERE at = '2025-11-12 03:00Z' AND endpoint_key ="
        " (SELECT id FROM endpoints WHERE name = 'shop')"
    )

    rows = [one.text for one in verify(1).differences if one.kind is DifferenceKind.ROWS]

    assert len(rows) == 1
    assert rows[0].startswith("health_hours ")
    assert rows[0].endswith("2025-11-12T03:00Z was changed: bad was 0, is 1.")
