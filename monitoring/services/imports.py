"""Imports history: what other monitoring saw, judged as if the portal had seen it itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.db import connection

from monitoring.domain.history import BadRow, Past
from monitoring.domain.observing import Source
from monitoring.models import Endpoint
from monitoring.services.health_log import COLUMNS, stage_rows
from monitoring.services.housekeeping import PROBE_ROWS_KEPT
from monitoring.services.ingest import AHEAD
from monitoring.services.recompute import rebuild
from monitoring.services.steady import lock_states
from tenancy.context import control_transaction
from tenancy.models import Tenant

BATCH = 50_000
_ERRORS_SHOWN = 20

# Rows that an import before this one wrote; rows of this one may share an instant.
_MOVE_NEW_SQL = f"""
    INSERT INTO system_health_log ({COLUMNS}) SELECT {COLUMNS} FROM {{stage}} s
    WHERE NOT EXISTS (
        SELECT 1 FROM system_health_log l
        WHERE l.endpoint_id = s.endpoint_id AND l.ts = s.ts AND l.source = %(source)s
          AND l.id < %(next_id)s AND l.ts BETWEEN %(first)s AND %(last)s
    )
"""


class UnableToImport(Exception):
    """The history cannot be imported; nothing of it was stored."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import brought. `known` rows were imported before."""

    rows: int
    added: int
    first: datetime
    last: datetime
    outages: dict[str, int]

    @property
    def known(self) -> int:
        return self.rows - self.added


def import_history(
    rows: Iterable[tuple[str, Past | BadRow]],
    *,
    tenant: Tenant,
    now: datetime,
    endpoint: str = "",
    progress: Callable[[int], None] = lambda count: None,
) -> Imported:
    """This will store the rows, all or none, and rebuild the outages and spans of their endpoints.

    Rows name their endpoint unless `endpoint` does. An observation of the same endpoint and instant that an
    earlier import brought is left out, so a file imported twice adds nothing. One transaction; memory does not
    grow with the file.

    Raises:
        UnableToImport: naming the first rows that are wrong, or an endpoint that is not known.
    """
    endpoints = {e.name: e for e in Endpoint.objects.filter(tenant=tenant)}
    if endpoint and endpoint not in endpoints:
        raise UnableToImport(_no_such(endpoint))
    with control_transaction("import"):
        lock_states([e.pk for e in endpoints.values()] if not endpoint else [endpoints[endpoint].pk])
        return _Import(endpoints, tenant, now, endpoint, progress).run(iter(rows))


class _Import:
    def __init__(
        self,
        endpoints: dict[str, Endpoint],
        tenant: Tenant,
        now: datetime,
        endpoint: str,
        progress: Callable[[int], None],
    ) -> None:
        self.endpoints, self.tenant, self.now, self.endpoint = endpoints, tenant, now, endpoint
        self.progress = progress
        self.oldest = (now - PROBE_ROWS_KEPT).replace(hour=0, minute=0, second=0, microsecond=0)
        self.errors: list[str] = []
        self.earliest: dict[str, datetime] = {}
        self.first, self.last = now, self.oldest
        self.rows = self.added = 0

    def run(self, rows: Iterator[tuple[str, Past | BadRow]]) -> Imported:
        self._prepare()
        while batch := self._log_rows(islice(rows, BATCH)):
            if not self.errors:
                self._store(batch)
            self.progress(self.rows)
        if self.errors:
            more = (
                f"\n… and {len(self.errors) - _ERRORS_SHOWN} more" if len(self.errors) > _ERRORS_SHOWN else ""
            )
            raise UnableToImport("\n".join(self.errors[:_ERRORS_SHOWN]) + f"{more}\nNothing was stored.")
        outages = {
            name: rebuild(self.endpoints[name], since=since).outages
            for name, since in sorted(self.earliest.items())
            if self.added
        }
        return Imported(self.rows, self.added, self.first, self.last, outages)

    def _prepare(self) -> None:
        ids = [e.pk for e in self.endpoints.values()]
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval('system_health_log_id_seq')")
            self.next_id = cursor.fetchone()[0]
            cursor.execute(
                "SELECT EXISTS (SELECT 1 FROM health_hours WHERE source = %s AND endpoint_key = ANY(%s))",
                [Source.IMPORT.value, ids],
            )
            self.imported_before: bool = cursor.fetchone()[0]

    def _log_rows(self, rows: Iterable[tuple[str, Past | BadRow]]) -> list[tuple[object, ...]]:
        made: list[tuple[object, ...]] = []
        seen = 0
        for place, row in rows:
            seen += 1
            if isinstance(row, BadRow):
                self.errors.append(f"{place}: {row}")
                continue
            wrong = self._note(row)
            if wrong:
                self.errors.append(f"{place}: {wrong}")
                continue
            made.append(self._log_row(row))
        self.rows += seen
        # A batch of nothing but errors is not the end of the file.
        return made or [()] * bool(seen)

    def _note(self, row: Past) -> str:
        """Keep count of the row; what is wrong with it, if anything."""
        name = self.endpoint or row.endpoint
        if name not in self.endpoints:
            return _no_such(name)
        if row.ts < self.oldest:
            return f"{row.ts:%Y-%m-%d} is before {self.oldest:%Y-%m-%d}, where retention ends"
        if row.ended_at > self.now + AHEAD:
            return f"{row.ts:%Y-%m-%d %H:%M:%S} lies in the future"
        known = self.earliest.get(name)
        if known is None or row.ts < known:
            self.earliest[name] = row.ts
            self.first = min(self.first, row.ts)
        if row.ts > self.last:
            self.last = row.ts
        return ""

    def _log_row(self, row: Past) -> tuple[object, ...]:
        endpoint = self.endpoints[self.endpoint or row.endpoint]
        ok = row.ok if row.ok is not None else row.status_code == endpoint.expected_status
        error = "" if ok else row.error or (f"status {row.status_code}" if row.status_code else "")
        return (
            self.tenant.pk,
            endpoint.pk,
            Source.IMPORT.value,
            row.ts,
            row.ended_at,
            row.status_code,
            ok,
            row.latency_ms,
            "" if ok else "imported",
            error,
            "",
        )

    def _store(self, batch: list[tuple[object, ...]]) -> None:
        stage, _ = stage_rows(batch)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT ensure_health_partitions((min(ts) AT TIME ZONE 'UTC')::date,"
                f" (max(ts) AT TIME ZONE 'UTC')::date), min(ts), max(ts) FROM {stage}"
            )
            _, first, last = cursor.fetchone()
            if self.imported_before:
                # Without statistics of the stage a nested loop may look cheap.
                cursor.execute("SET LOCAL enable_nestloop = off")
                cursor.execute(
                    _MOVE_NEW_SQL.format(stage=stage),
                    {"source": Source.IMPORT.value, "next_id": self.next_id, "first": first, "last": last},
                )
            else:
                cursor.execute(f"INSERT INTO system_health_log ({COLUMNS}) SELECT {COLUMNS} FROM {stage}")
            self.added += cursor.rowcount
            # Not DELETE: forty batches would each read through the rows of those before.
            cursor.execute(f"TRUNCATE {stage}")


def _no_such(name: str) -> str:
    if not name:
        return "no endpoint is named; add a column endpoint, or give --endpoint NAME"
    return f"there is no endpoint {name!r:.120}; make it first: manage.py watch URL --name NAME --interval SECONDS"
