"""The files of an evidence bundle, as text and bytes. `monitoring/verifier/verify.py` reads them back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from itertools import groupby

from monitoring.domain.evidence_rows import EvidenceRow
from monitoring.domain.merkle import leaf_hash

FORMAT = "levqor-evidence/1"
# What a spreadsheet would take for a formula; the quote itself, so that taking it off again is exact.
_RISKY = ("=", "+", "-", "@", "\t", "\r", "'")


def formula_safe(text: str) -> str:
    """The text with a quote before it if a spreadsheet would run it; the verifier takes the quote off."""
    return f"'{text}" if text.startswith(_RISKY) else text


def csv_files(rows: Iterable[EvidenceRow]) -> dict[str, bytes]:
    """One CSV file for each table, by its name in the bundle, rows in the order of their leaves."""
    files = {}
    for table, group in groupby(sorted(rows), key=lambda row: row.table):
        members = list(group)
        out = io.StringIO(newline="")
        writer = csv.writer(out)
        writer.writerow(["key", *(name for name, _ in members[0].cells)])
        for row in members:
            writer.writerow([formula_safe(row.key), *(formula_safe(text) for _, text in row.cells)])
        files[f"rows/{table}.csv"] = out.getvalue().encode()
    return files


def leaves_file(rows: Iterable[EvidenceRow]) -> bytes:
    """Every leaf in the order of the tree: hash, table and key, so that one altered row can be named."""
    lines = (f"{leaf_hash(row.entry()).hex()} {row.table} {row.key}\n" for row in sorted(rows))
    return "".join(lines).encode()
