from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenancy.domain.audit_chain import (
    FIRST_PREVIOUS,
    AuditRow,
    Fault,
    FaultKind,
    Head,
    row_hash,
    verify_chain,
)

TENANT = UUID("019a9662-2100-7000-8000-000000000001")
START = datetime(2025, 11, 11, 16, tzinfo=UTC)


def chain(length):
    """A whole chain of `length` rows."""
    rows, previous = [], FIRST_PREVIOUS
    for seq in range(1, length + 1):
        row = AuditRow(seq, "e", "a", '{"n": 1}', START + timedelta(seconds=seq), previous, "")
        row = replace(row, hash=row_hash(TENANT, row))
        rows.append(row)
        previous = row.hash
    return rows


def faults(rows, known=None):
    return verify_chain(TENANT, rows, known).faults


def test_a_whole_chain_has_no_fault_and_a_head():
    rows = chain(5)

    report = verify_chain(TENANT, rows)

    assert report.faults == ()
    assert report.rows == 5
    assert report.head == Head(5, rows[-1].hash)


def test_no_rows_are_whole_unless_some_were_known():
    assert faults([]) == ()
    assert faults([], Head(3, "f" * 64)) == (Fault(FaultKind.CUT, 1, 3),)


def test_rows_cut_from_the_end_are_named():
    rows = chain(5)

    assert faults(rows[:3], Head(5, rows[4].hash)) == (Fault(FaultKind.CUT, 4, 5),)


def test_a_chain_forged_anew_does_not_hold_the_known_head():
    rows = chain(5)

    assert faults(rows, Head(4, "f" * 64)) == (Fault(FaultKind.CHANGED, 4, 4),)


@pytest.mark.parametrize(
    "change",
    [
        {"event": "other"},
        {"actor": "other"},
        {"metadata": '{"n": 2}'},
        {"at": START},
        {"prev_hash": "a" * 64},
        {"hash": "b" * 64},
    ],
)
def test_a_changed_row_is_named(change):
    rows = chain(5)
    rows[2] = replace(rows[2], **change)

    assert Fault(FaultKind.CHANGED, 3, 3) in faults(rows)


@given(st.sets(st.integers(1, 8), min_size=1, max_size=7))
def test_missing_rows_are_named(gone):
    rows = chain(8)

    found = faults([row for row in rows if row.seq not in gone], Head(8, rows[-1].hash))

    named = {seq for fault in found for seq in range(fault.first, fault.last + 1)}
    assert named == gone
    assert {fault.kind for fault in found} <= {FaultKind.MISSING, FaultKind.CUT}


def test_a_row_twice_is_a_fault():
    rows = chain(3)

    assert faults([*rows, rows[1]]) == (Fault(FaultKind.CHANGED, 2, 2),)


def test_a_row_with_a_sound_hash_that_hangs_on_nothing_is_a_fault():
    rows = chain(3)
    forged = replace(rows[1], event="forged", prev_hash="a" * 64)
    rows[1] = replace(forged, hash=row_hash(TENANT, forged))

    assert faults(rows) == (Fault(FaultKind.CHANGED, 2, 2), Fault(FaultKind.CHANGED, 3, 3))
