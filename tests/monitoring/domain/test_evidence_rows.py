import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.bundles import csv_files, formula_safe, leaves_file
from monitoring.domain.evidence_rows import (
    Change,
    EvidenceRow,
    compare_rows,
    merkle_root,
    pack,
    row_of,
    text_of,
    unpack,
)
from monitoring.domain.merkle import leaf_hash, root_of
from monitoring.domain.record_differences import differing_entries
from monitoring.verifier import verify

text = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
rows = st.lists(
    st.builds(lambda key, a, b: row_of("costs", key, a=a, b=b), text, text, text),
    max_size=12,
    unique_by=lambda row: row.key,
)


def test_merkle_root_is_that_of_rfc_6962():
    # The tree of the RFC's own test data: its roots over the first 0, 1, 2, 3 and 8 leaves.
    leaves = [
        bytes.fromhex(entry)
        for entry in (
            "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
        )
    ]  # fmt: skip
    roots = {
        0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    }

    for number, root in roots.items():
        assert root_of([leaf_hash(leaf) for leaf in leaves[:number]]).hex() == root


def split_root(leaves):
    """The definition of RFC 6962: split at the largest power of two below n."""
    if len(leaves) == 1:
        return leaves[0]
    at = 1
    while at * 2 < len(leaves):
        at *= 2
    return hashlib.sha256(b"\x01" + split_root(leaves[:at]) + split_root(leaves[at:])).digest()


@given(st.integers(1, 70))
def test_merkle_root_by_pairs_is_that_by_splitting(number):
    leaves = [leaf_hash(bytes([place])) for place in range(number)]

    assert root_of(leaves) == split_root(leaves)


@given(rows, st.randoms())
def test_root_and_package_do_not_depend_on_order(found, random):
    other = list(found)
    random.shuffle(other)

    assert merkle_root(other) == merkle_root(found)
    assert unpack(pack(other)) == tuple(sorted(found))


@given(rows)
def test_verifier_reads_back_what_the_bundle_wrote(found):
    files = csv_files(found)
    read = [
        EvidenceRow("costs", key, tuple(cells.items()))
        for content in files.values()
        for key, cells in verify._csv_rows(content)
    ]

    assert sorted(read) == sorted(found)
    leaves = [line.split(b" ")[0].decode() for line in leaves_file(found).split(b"\n")[:-1]] if found else []
    if all("\n" not in row.key and "\r" not in row.key for row in found):
        assert leaves == [verify._leaf(row.table, row.key, dict(row.cells)) for row in sorted(found)]


@pytest.mark.parametrize("risky", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'quoted"])
def test_formulas_are_disarmed(risky):
    assert formula_safe(risky) == f"'{risky}"
    assert formula_safe("plain") == "plain"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (0.1, "0.1"),
        (Decimal("7.0000"), "7"),
        (Decimal("10"), "10"),
        (date(2025, 11, 14), "2025-11-14"),
        (datetime(2025, 11, 14, 3, tzinfo=UTC), "2025-11-14T03:00:00Z"),
        ("text", "text"),
    ],
)
def test_equal_values_have_equal_texts(value, expected):
    assert text_of(value) == expected


def test_compare_rows_names_what_changed():
    then = [row_of("costs", 1, amount=5), row_of("costs", 2, amount=6), row_of("outages", 1, open="")]
    now = [row_of("costs", 1, amount=4), row_of("outages", 1, open=""), row_of("outages", 2, open="")]

    changes = compare_rows(then, now)

    assert [(one.change, one.table, one.key) for one in changes] == [
        (Change.CHANGED, "costs", "1"),
        (Change.DELETED, "costs", "2"),
        (Change.ADDED, "outages", "2"),
    ]
    assert str(changes[0]) == "costs 1 was changed: amount was 5, is 4."
    assert str(changes[1]) == "costs 2 was deleted."
    assert str(compare_rows([row_of("a", 1, x=None)], [row_of("a", 1, x="y")])[0]).endswith(
        "x was empty, is y."
    )


def test_differences_name_the_entry():
    then = {"a": [{"key": "uptime", "x": 1}, 2], "b": 1, "c": None, "long": "y" * 200}
    now = {"a": [{"key": "uptime", "x": 3}, 2], "c": [1], "d": 5, "long": ""}

    assert differing_entries(then, now, "record") == (
        "record.a[uptime].x was 1, is 3.",
        "record.b was 1, is gone.",
        "record.c was nothing, is [1].",
        f"record.long was {'y' * 160}…, is .",
        "record.d was not there, is 5.",
    )
    assert differing_entries([{"x": 1}], [{"x": 2}], "r") == ("r[0].x was 1, is 2.",)
    assert differing_entries([1], [1, 2], "r") == ("r was [1], is [1, 2].",)
