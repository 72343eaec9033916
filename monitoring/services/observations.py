"""Single observations: written by programs that report, read newest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from psycopg2 import errorcodes

from monitoring.domain.observing import Source
from monitoring.domain.searching import slices
from monitoring.models import Endpoint, HealthLog

_MICROSECOND = timedelta(microseconds=1)
_COLUMNS = (
    "id, ts, ended_at, endpoint_id, source, status_code, ok, latency_ms,"
    " error_class, error, failed_assertion, frontend, backend"
)
# The slices come newest first and LATERAL reads them one by one: LIMIT stops at the slice that fills it.
# The outer bounds repeat what the slices say, because only constants let the planner leave partitions out.
_NEWEST_SQL = f"""
    SELECT found.* FROM unnest(%(lows)s::timestamptz[], %(highs)s::timestamptz[]) AS slice (low, high)
    CROSS JOIN LATERAL (
        SELECT {_COLUMNS} FROM system_health_log
        WHERE ts >= slice.low AND ts < slice.high AND ts >= %(low)s AND ts < %(high)s
          AND (%(before_ts)s::timestamptz IS NULL OR (ts, id) < (%(before_ts)s, %(before_id)s))
          AND (%(endpoints)s::bigint[] IS NULL OR endpoint_id = ANY (%(endpoints)s))
        ORDER BY ts DESC, id DESC LIMIT %(limit)s
    ) AS found
    LIMIT %(limit)s
"""
# Each rollup row stands for at least one observation, so `limit` of them suffice; the hour `last`, in which
# the list begins, may lie behind it with all its rows, so it comes on top and counts for none. The index on
# (tenant_id, at) serves the first statement, the primary key the second.
_HOURS_SQL = """
    (SELECT at, total FROM health_hours WHERE tenant_id = %(tenant)s AND at < %(last)s AND at >= %(oldest)s
     ORDER BY at DESC LIMIT %(limit)s)
    UNION ALL
    SELECT at, total FROM health_hours WHERE tenant_id = %(tenant)s AND at = %(last)s
"""
_HOURS_OF_ENDPOINTS_SQL = """
    SELECT hours.at, hours.total FROM unnest(%(endpoints)s::bigint[]) AS e (id)
    CROSS JOIN unnest(%(sources)s::text[]) AS s (name)
    CROSS JOIN LATERAL (
        SELECT at, total FROM health_hours
        WHERE endpoint_key = e.id AND source = s.name AND tenant_id = %(tenant)s
          AND at <= %(last)s AND at >= %(oldest)s
        ORDER BY at DESC LIMIT %(limit)s + 1
    ) AS hours
"""
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ObservationQuery:
    """Which observations: at most `limit` in `[start, end)`, older than `before`, of one component."""

    limit: int
    start: datetime | None = None
    end: datetime | None = None
    before: tuple[datetime, int] | None = None
    component: str = ""
    # Where the newest rows end, as far as clocks agree: a hint, not a bound.
    now: datetime | None = None


def record_reported(
    *, frontend: str, backend: str, latency_ms: float | None, error: str, now: datetime
) -> HealthLog:
    """This will store what a program reported, in the active tenant's log. Makes the day's partition first
    when it is the day's first row."""
    row = HealthLog(
        source=Source.API.value,
        ts=now,
        ok=not error,
        latency_ms=latency_ms,
        error_class="reported" if error else "",
        error=error,
        frontend=frontend,
        backend=backend,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as refusal:
        if getattr(refusal.__cause__, "pgcode", None) != errorcodes.CHECK_VIOLATION:
            raise
        with connection.cursor() as cursor:
            cursor.execute("SELECT ensure_health_partitions(%s, %s)", [now.date(), now.date()])
        row.save(force_insert=True)
    return row


def newest_observations(query: ObservationQuery, tenant_id: UUID) -> list[dict[str, Any]]:
    """Observations of the active scope, the newest first, with the name and component of their endpoint.

    Three queries whatever the size of the log: which hours hold rows, the rows, the endpoints' names.
    """
    stop = query.end
    if query.before is not None:
        after = query.before[0] + _MICROSECOND
        stop = min(stop, after) if stop else after
    endpoints = None
    if query.component:
        wanted = Endpoint.objects.filter(tenant_id=tenant_id, component=query.component)
        endpoints = list(wanted.values_list("pk", flat=True))
    hours = _hours_with_rows(query, tenant_id, stop, endpoints)
    sought = slices(hours, wanted=query.limit, start=query.start, stop=stop, now=query.now)
    rows = _read(sought, query, endpoints) if sought else []
    named = {row["endpoint_id"] for row in rows}
    names = {
        pk: (name, component)
        for pk, name, component in Endpoint.objects.filter(tenant_id=tenant_id, pk__in=named).values_list(
            "pk", "name", "component"
        )
    }
    for row in rows:
        row["endpoint"], row["component"] = names.get(row.pop("endpoint_id"), (None, None))
    return rows


def _hours_with_rows(
    query: ObservationQuery, tenant_id: UUID, stop: datetime | None, endpoints: Sequence[int] | None
) -> Counter[datetime]:
    """The newest hours that hold the wanted rows, with their number of rows."""
    arguments: dict[str, Any] = {
        "endpoints": endpoints,
        "sources": [source.value for source in Source],
        "tenant": tenant_id,
        "last": _hour(stop) if stop else _LAST,
        "oldest": _hour(query.start) if query.start else _FIRST,
        "limit": query.limit,
    }
    hours: Counter[datetime] = Counter()
    with connection.cursor() as cursor:
        cursor.execute(_HOURS_SQL if endpoints is None else _HOURS_OF_ENDPOINTS_SQL, arguments)
        for at, total in cursor.fetchall():
            hours[at] += total
    return _enough(hours, arguments["last"], query.limit)


def _enough(hours: Counter[datetime], last: datetime, limit: int) -> Counter[datetime]:
    """The newest of `hours` that together hold `limit` rows before the hour `last`, and that hour."""
    kept: Counter[datetime] = Counter()
    found = 0
    for hour in sorted(hours, reverse=True):
        if found >= limit:
            break
        kept[hour] = hours[hour]
        found += hours[hour] if hour < last else 0
    return kept


def _read(
    sought: Sequence[tuple[datetime, datetime]], query: ObservationQuery, endpoints: Sequence[int] | None
) -> list[dict[str, Any]]:
    before_ts, before_id = query.before or (None, None)
    arguments: dict[str, Any] = {
        "lows": [low for low, _ in sought],
        "highs": [high for _, high in sought],
        "low": sought[-1][0],
        "high": sought[0][1],
        "before_ts": before_ts,
        "before_id": before_id,
        "endpoints": endpoints,
        "limit": query.limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST_SQL, arguments)
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
    # The plan reads the slices in order; SQL does not promise to, so the order is made sure of here.
    rows.sort(key=lambda row: (row["ts"], row["id"]), reverse=True)
    return rows


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
