"""Many rows changed by one statement: `bulk_update()` writes a CASE of every value, at ten times the cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection


@dataclass(frozen=True, slots=True)
class BulkUpdate:
    """An UPDATE of `columns` (name and PostgreSQL type) of `table`, joined by its `key`, a bigint.

    `always` is set on every row that is touched. All names are the program's own: nothing is quoted.
    """

    table: str
    key: str
    columns: tuple[tuple[str, str], ...]
    always: str = ""
    # Leave rows alone that hold these values already: an UPDATE writes the row even then.
    changed_only: bool = False

    def run(self, rows: Sequence[Sequence[Any]]) -> None:
        """Change the rows, each given as (key, column, column, …). One statement, none for no rows."""
        if not rows:
            return
        names = [name for name, _ in self.columns]
        arrays = ", ".join(["%s::bigint[]", *(f"%s::{kind}[]" for _, kind in self.columns)])
        changes = ", ".join([*([self.always] if self.always else []), *(f"{n} = v.{n}" for n in names)])
        sql = (
            f"UPDATE {self.table} t SET {changes}"
            f" FROM (SELECT * FROM unnest({arrays}) AS u({', '.join([self.key, *names])})) v"
            f" WHERE t.{self.key} = v.{self.key}"
        )
        if self.changed_only:
            ours, theirs = (", ".join(f"{alias}.{name}" for name in names) for alias in "tv")
            sql += f" AND ({ours}) IS DISTINCT FROM ({theirs})"
        with connection.cursor() as cursor:
            cursor.execute(sql, [list(column) for column in zip(*rows, strict=True)])
