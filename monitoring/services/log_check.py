"""Do the hour rows still say what the log says? A verdict is read from hours; the log is what they counted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from django.db import connection

from monitoring.domain.evidence_rows import EvidenceRow

# The hours in which the log has a partition, with what it says of each endpoint and source.
_LOG = """
    SELECT coalesce(endpoint_id, 0), source, tenant_id, date_trunc('hour', ts, 'UTC'),
           count(*), count(*) FILTER (WHERE NOT ok), count(*) FILTER (WHERE status_code >= 500),
           coalesce(sum(latency_ms) FILTER (WHERE status_code IS DISTINCT FROM 0), 0)
    FROM system_health_log WHERE ts >= %s AND ts < %s GROUP BY 1, 2, 3, 4
"""
_BAD = """
    SELECT id, ts FROM system_health_log
    WHERE coalesce(endpoint_id, 0) = %s AND source = %s AND ts >= %s AND ts < %s::timestamptz + interval '1 hour'
      AND (NOT ok OR status_code >= 500)
    ORDER BY ts, id LIMIT 5
"""
_PARTITIONS = "SELECT health_log_days()"
_COLUMNS = ("total", "bad", "server_errors", "latency_sum_ms")


def log_differences(rows: Iterable[EvidenceRow], *, before: datetime) -> Iterator[str]:
    """A sentence for each hour row that says something else than the log of that hour, where that is kept.

    Needs the control plane's scope. Reads the log of the time that the rows cover.
    """
    hours = {row.key: dict(row.cells) for row in rows if row.table == "health_hours"}
    if not hours:
        return
    starts = [_hour_of(key) for key in hours]
    with connection.cursor() as cursor:
        cursor.execute(_PARTITIONS)
        kept = set(cursor.fetchone()[0] or [])
        cursor.execute(_LOG, [min(starts), before])
        log = {
            f"{key}/{source}/{tenant}/{at.astimezone(UTC):%Y-%m-%dT%H:%MZ}": (*counts, latency)
            for key, source, tenant, at, *counts, latency in cursor.fetchall()
        }
    for key, cells in sorted(hours.items()):
        if _hour_of(key).date() in kept:
            yield from _hour_difference(key, cells, log.get(key, (0, 0, 0, 0.0)))


def _hour_difference(key: str, cells: dict[str, str], told: tuple[float, ...]) -> Iterator[str]:
    counted = tuple(float(cells[name]) for name in _COLUMNS)
    same = counted[:3] == tuple(map(float, told[:3])) and math.isclose(
        counted[3], told[3], rel_tol=1e-9, abs_tol=1e-6
    )
    if same:
        return
    parts = [
        f"{name} was {was:g}, is {now:g}"
        for name, was, now in zip(_COLUMNS, counted, told, strict=True)
        if not math.isclose(was, now, rel_tol=1e-9, abs_tol=1e-6)
    ]
    suspects = _bad_rows(key)
    shown = f" Bad there now: {', '.join(suspects)}." if suspects else ""
    yield f"system_health_log of {key} no longer says what was counted: {'; '.join(parts)}.{shown}"


def _bad_rows(key: str) -> list[str]:
    endpoint, source, _, _ = key.split("/")
    start = _hour_of(key)
    with connection.cursor() as cursor:
        cursor.execute(_BAD, [int(endpoint), source, start, start])
        return [f"row {pk} of {ts.astimezone(UTC):%H:%M:%S}" for pk, ts in cursor.fetchall()]


def _hour_of(key: str) -> datetime:
    return datetime.strptime(key.rsplit("/", 1)[1], "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
