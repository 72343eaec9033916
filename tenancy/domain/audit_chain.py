"""Is an audit chain whole? The hashes are made by the database function `tenant_audit_append`.

hash = SHA-256 over the text of the jsonb array `[previous hash, tenant, seq, event, actor, metadata, time]`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

FIRST_PREVIOUS = "0" * 64


class FaultKind(StrEnum):
    """What was done to a chain."""

    CHANGED = "changed"
    MISSING = "missing"
    # The end is gone: only who remembers the head can tell.
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row of the chain as it is stored; `metadata` is the text PostgreSQL gives of it."""

    seq: int
    event: str
    actor: str
    metadata: str
    at: datetime
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """The last row of a chain: 0 rows have the head (0, zeros)."""

    seq: int = 0
    hash: str = FIRST_PREVIOUS


@dataclass(frozen=True, slots=True)
class Fault:
    """Rows `first` to `last` of a chain, and what was done to them."""

    kind: FaultKind
    first: int
    last: int

    def __str__(self) -> str:
        rows = f"row {self.first} is" if self.first == self.last else f"rows {self.first} to {self.last} are"
        return f"{rows} {'cut off' if self.kind is FaultKind.CUT else self.kind.value}"


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What was found in one chain."""

    head: Head
    rows: int
    faults: tuple[Fault, ...]


def row_hash(tenant_id: UUID, row: AuditRow) -> str:
    """The hash the row must have, as 64 hex digits."""
    at = row.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    parts = [_text(row.prev_hash), _text(str(tenant_id)), str(row.seq), _text(row.event), _text(row.actor)]
    array = ", ".join([*parts, row.metadata, _text(at)])
    return hashlib.sha256(f"[{array}]".encode()).hexdigest()


def verify_chain(tenant_id: UUID, rows: Iterable[AuditRow], known: Head | None = None) -> ChainReport:
    """Check `rows`, in the order of `seq`, and that they still hold the `known` head of an earlier check."""
    faults: list[Fault] = []
    head, count = Head(), 0
    for row in rows:
        count += 1
        faults += _row_faults(tenant_id, row, head)
        if known is not None and row.seq == known.seq and row.hash != known.hash:
            faults.append(Fault(FaultKind.CHANGED, row.seq, row.seq))
        head = Head(row.seq, row.hash)
    if known is not None and known.seq > head.seq:
        faults.append(Fault(FaultKind.CUT, head.seq + 1, known.seq))
    return ChainReport(head, count, tuple(dict.fromkeys(faults)))


def _row_faults(tenant_id: UUID, row: AuditRow, before: Head) -> Iterator[Fault]:
    if row.seq > before.seq + 1:
        yield Fault(FaultKind.MISSING, before.seq + 1, row.seq - 1)
    elif row.seq <= before.seq or row.prev_hash != before.hash:
        # It does not hang on the row before it.
        yield Fault(FaultKind.CHANGED, row.seq, row.seq)
    if row.hash != row_hash(tenant_id, row):
        yield Fault(FaultKind.CHANGED, row.seq, row.seq)


def _text(value: str) -> str:
    """A string as PostgreSQL writes it in jsonb."""
    return json.dumps(value, ensure_ascii=False)
