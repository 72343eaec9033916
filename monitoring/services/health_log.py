"""Appends rows to the log of observations in bulk.

COPY cannot write to a table under row level security: it fills a stage table of the session, and one INSERT …
SELECT moves the rows on, under the policies and through the rollup trigger.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from django.db import connection

from tenancy.context import NoTenantScope, current_scope

COLUMNS = (
    "tenant_id, endpoint_id, source, ts, ended_at, status_code, ok, latency_ms,"
    " error_class, error, failed_assertion"
)
_TEXTS = "error_class, error, failed_assertion"


def append_log(rows: Iterable[Sequence[object]]) -> int:
    """This will append rows, given as `COLUMNS`, and return how many. Needs an open transaction with a scope.

    Raises:
        NoTenantScope: without a scope.
    """
    stage, count = stage_rows(rows)
    move_stage(stage)
    clear_stage(stage)
    return count


def stage_rows(rows: Iterable[Sequence[object]]) -> tuple[str, int]:
    """This will fill the session's stage table and return its name and the number of rows."""
    scope = current_scope()
    if scope is None:
        raise NoTenantScope(
            "Observations are stored in a scope: open control_transaction(purpose) around it."
        )
    # A temporary table belongs to the role that made it, and a session may act in several.
    stage = f"health_stage_{scope.role}"
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    count = 0
    for row in rows:
        writer.writerow(row)
        count += 1
    # PostgreSQL stores any character but NUL.
    buffer = io.StringIO(buffer.getvalue().replace("\0", "\N{REPLACEMENT CHARACTER}"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [f"pg_temp.{stage}"])
        if cursor.fetchone()[0] is None:
            cursor.execute(
                f"CREATE TEMPORARY TABLE {stage} ON COMMIT DELETE ROWS"
                f" AS SELECT {COLUMNS} FROM system_health_log WITH NO DATA"
            )
        cursor.copy_expert(
            f"COPY {stage} ({COLUMNS}) FROM STDIN WITH (FORMAT csv, FORCE_NOT_NULL ({_TEXTS}))", buffer
        )
    return stage, count


def move_stage(stage: str) -> None:
    """This will insert what is staged into the log, making the partitions it needs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ensure_health_partitions("
            " (min(ts) AT TIME ZONE 'UTC')::date, (max(ts) AT TIME ZONE 'UTC')::date)"
            f" FROM {stage} HAVING count(*) > 0"
        )
        cursor.execute(f"INSERT INTO system_health_log ({COLUMNS}) SELECT {COLUMNS} FROM {stage}")


def clear_stage(stage: str) -> None:
    """This will empty the stage for a next batch in the same transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {stage}")
