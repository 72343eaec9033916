"""The rows that a verdict rests on, as text: to be hashed, kept, compared and handed to an auditor."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from monitoring.domain.figures import amount_text, iso_z
from monitoring.domain.merkle import leaf_hash, root_of

Cell = str | int | float | bool | Decimal | datetime | date | None


@dataclass(frozen=True, slots=True, order=True)
class EvidenceRow:
    """One stored row: its table, its key there, and its cells by column."""

    table: str
    key: str
    cells: tuple[tuple[str, str], ...]

    def entry(self) -> bytes:
        """What is hashed of it: JSON of table, key and cells, each a text."""
        return json.dumps(
            [self.table, self.key, *([name, text] for name, text in self.cells)],
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()


class Change(StrEnum):
    """What became of a row."""

    ADDED = "added"
    DELETED = "deleted"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row that is not as it was; `cells` are (column, then, now) of a changed one."""

    change: Change
    table: str
    key: str
    cells: tuple[tuple[str, str, str], ...] = ()

    def __str__(self) -> str:
        told = "; ".join(
            f"{name} was {then or 'empty'}, is {now or 'empty'}" for name, then, now in self.cells
        )
        return f"{self.table} {self.key} was {self.change}{': ' + told if told else ''}."


def row_of(table: str, key: object, **cells: Cell) -> EvidenceRow:
    """A row out of values; the same values always give the same text, and None gives the empty one."""
    return EvidenceRow(table, str(key), tuple((name, text_of(value)) for name, value in cells.items()))


def text_of(value: Cell) -> str:
    """A value as it is written into an evidence row."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return iso_z(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return amount_text(value)
    return repr(value) if isinstance(value, float) else str(value)


def merkle_root(rows: Sequence[EvidenceRow]) -> str:
    """The root over the rows in their own order (table, key), as 64 hex digits."""
    return root_of([leaf_hash(row.entry()) for row in sorted(rows)]).hex()


def pack(rows: Iterable[EvidenceRow]) -> bytes:
    """The rows, sorted, in few bytes."""
    return zlib.compress(b"\n".join(row.entry() for row in sorted(rows)), 6)


def unpack(packed: bytes) -> tuple[EvidenceRow, ...]:
    """What `pack` packed."""
    lines = zlib.decompress(packed).decode().split("\n")
    return tuple(_row(json.loads(line)) for line in lines if line)


def _row(entry: list[object]) -> EvidenceRow:
    table, key, *cells = entry
    return EvidenceRow(str(table), str(key), tuple((str(c[0]), str(c[1])) for c in cells))  # type: ignore[index]  # pairs, as `entry` writes them


def compare_rows(then: Iterable[EvidenceRow], now: Iterable[EvidenceRow]) -> tuple[RowChange, ...]:
    """What changed between two sets of rows, by table and key."""
    before = {(row.table, row.key): row for row in then}
    after = {(row.table, row.key): row for row in now}
    changes = []
    for place in sorted(before.keys() | after.keys()):
        old, new = before.get(place), after.get(place)
        if old is None:
            changes.append(RowChange(Change.ADDED, *place))
        elif new is None:
            changes.append(RowChange(Change.DELETED, *place))
        elif old != new:
            changes.append(RowChange(Change.CHANGED, *place, cells=_changed_cells(old, new)))
    return tuple(changes)


def _changed_cells(old: EvidenceRow, new: EvidenceRow) -> tuple[tuple[str, str, str], ...]:
    before, after = dict(old.cells), dict(new.cells)
    return tuple(
        (name, before.get(name, ""), after.get(name, ""))
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    )
