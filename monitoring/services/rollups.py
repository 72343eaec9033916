"""Counts over any window, from the rollups: equal to a scan of the log, at a cost that does not grow."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

from django.db import connection

from monitoring.domain.histogram import Histogram
from monitoring.domain.rollups import Counts, parts_of
from monitoring.domain.windows import Window, Windows

_ROLLED = """
    SELECT endpoint_key, sum(total), sum(bad), sum(server_errors), sum(latency_sum_ms), sum(latency_count)
    FROM {table} WHERE at >= %s AND at < %s {keys} GROUP BY 1
"""
_RAW = """
    SELECT coalesce(endpoint_id, 0), count(*), count(*) FILTER (WHERE NOT ok),
           count(*) FILTER (WHERE status_code >= 500),
           coalesce(sum(latency_ms) FILTER (WHERE status_code IS DISTINCT FROM 0), 0),
           count(latency_ms) FILTER (WHERE status_code IS DISTINCT FROM 0)
    FROM system_health_log WHERE ts >= %s AND ts < %s {keys} GROUP BY 1
"""
_DAYS = """
    SELECT endpoint_key, (at AT TIME ZONE 'UTC')::date, sum(total), sum(bad), sum(server_errors),
           sum(latency_sum_ms), sum(latency_count)
    FROM health_hours WHERE at >= %s AND at < %s AND endpoint_key = ANY(%s) GROUP BY 1, 2
"""


def count_observations(window: Window, *, endpoint_ids: Collection[int] | None = None) -> dict[int, Counts]:
    """Counts by endpoint id (0 = observations of no endpoint) over `window`. One query; needs a scope."""
    parts = parts_of(window)
    pieces: list[str] = []
    params: list[Any] = []
    sources = (("health_hours", parts.hours), ("health_minutes", parts.minutes), ("", parts.rows))
    for table, windows in sources:
        _add_pieces(pieces, params, table, windows, endpoint_ids)
    if not pieces:
        return {}
    found: dict[int, Counts] = {}
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(pieces), params)
        for key, *numbers in cursor.fetchall():
            found[key] = found.get(key, Counts()) + _counts(numbers)
    return found


def _add_pieces(
    pieces: list[str],
    params: list[Any],
    table: str,
    windows: Windows,
    endpoint_ids: Collection[int] | None,
) -> None:
    column = "endpoint_key" if table else "coalesce(endpoint_id, 0)"
    keys = f"AND {column} = ANY(%s)" if endpoint_ids is not None else ""
    template = _ROLLED.format(table=table, keys=keys) if table else _RAW.format(keys=keys)
    for window in windows:
        pieces.append(template)
        params += [window.start, window.end]
        if endpoint_ids is not None:
            params.append(list(endpoint_ids))


def _counts(numbers: list[float]) -> Counts:
    total, bad, server_errors, latency_sum_ms, latency_count = numbers
    return Counts(int(total), int(bad), int(server_errors), float(latency_sum_ms), int(latency_count))


def count_days(window: Window, *, endpoint_ids: Collection[int]) -> dict[tuple[int, date], Counts]:
    """Counts by endpoint id and UTC day, for the whole hours in `window`. One query; needs a scope."""
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, [window.start, window.end, list(endpoint_ids)])
        return {(key, day): _counts(numbers) for key, day, *numbers in cursor.fetchall()}


def latency_histogram(window: Window, *, endpoint_ids: Collection[int]) -> Histogram:
    """The latencies of the hours that `window` touches, merged. One query; needs a scope."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT bucket, sum(n) FROM health_latencies"
            " WHERE at >= date_trunc('hour', %s::timestamptz, 'UTC') AND at < %s"
            " AND endpoint_key = ANY(%s) GROUP BY 1",
            [window.start, window.end, list(endpoint_ids)],
        )
        return Histogram.from_counts({int(bucket): int(n) for bucket, n in cursor.fetchall()})
