"""Rebuilds an endpoint's outages and spans from the log, after rows came in that are older than its last.

One query finds the rows that can change anything: failures, the good ones beside them, and the edges of the
time observed. The domain's `Trail` walks through those alone; a test compares with a walk through all rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Q

from monitoring.domain.observing import EndpointStanding
from monitoring.domain.outages import Observation, Trail
from monitoring.domain.outages import Outage as OutageFacts
from monitoring.domain.windows import Window
from monitoring.models import Endpoint, EndpointState, ObservedSpan, Outage
from monitoring.services.steady import lock_states

_HOUR = timedelta(hours=1)
_LAST_GOOD_HOUR_SQL = """
    SELECT max(at) FROM health_hours WHERE endpoint_key = %s AND at < %s AND total > bad
"""
_LAST_GOOD_SQL = """
    SELECT max(ts) FROM system_health_log WHERE endpoint_id = %s AND ok AND ts >= %s AND ts < %s
"""
# A row between two good ones that is no edge of anything changes nothing, unless it outlasts the next.
_EVENTFUL_SQL = """
    WITH seen AS (
        SELECT ts, greatest(ts, coalesce(ended_at, ts + make_interval(secs => coalesce(latency_ms, 0) / 1000)))
                   AS ended_at,
               ok, status_code, latency_ms, error_class, coalesce(nullif(failed_assertion, ''), error) AS words
        FROM system_health_log WHERE endpoint_id = %(endpoint)s AND ts >= %(begin)s
    ), placed AS (
        SELECT *, lag(ok) OVER o AS ok_before, lead(ok) OVER o AS ok_after, lead(ended_at) OVER o AS next_ended_at,
               max(ended_at) OVER (o ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS seen_until
        FROM seen WINDOW o AS (ORDER BY ts, ended_at, ok)
    )
    SELECT ts, ended_at, ok, status_code, latency_ms, error_class, words, seen_until
    FROM placed
    WHERE NOT ok OR ok_before IS DISTINCT FROM true OR ok_after IS DISTINCT FROM true
       OR ended_at > next_ended_at OR ts > seen_until + %(hold)s
    ORDER BY ts, ended_at, ok
"""


class _Row(NamedTuple):
    ts: datetime
    ended_at: datetime
    ok: bool
    status_code: int | None
    latency_ms: float | None
    error_class: str
    words: str
    # The latest end of any row before; None for the first.
    seen_until: datetime | None


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many outages and spans stand after `begin`."""

    begin: datetime
    outages: int
    spans: int


def rebuild(endpoint: Endpoint, *, since: datetime) -> Rebuilt:
    """This will make the endpoint's outages, spans and standing say what its log says from `since` on.

    What ended before `since` is left as it is. An outage that is found again keeps its id. Cost: the
    endpoint's rows since then, once. Needs an open transaction with a scope.
    """
    lock_states([endpoint.pk])
    hold = timedelta(seconds=endpoint.hold_s)
    begin = _beginning(endpoint, since)
    parameters: dict[str, Any] = {"endpoint": endpoint.pk, "begin": begin, "hold": hold}
    with connection.cursor() as cursor:
        cursor.execute(_EVENTFUL_SQL, parameters)
        rows = [_Row(*row) for row in cursor.fetchall()]
    if not rows:
        return Rebuilt(begin, 0, 0)
    trail, outages = _outages(endpoint, rows, hold)
    kept = _save_outages(endpoint, begin, outages)
    spans = _save_spans(endpoint, begin, _spans(rows, hold))
    _save_state(endpoint, rows[-1], trail, kept[-1] if trail.outage else None, spans[-1])
    return Rebuilt(begin, len(kept), len(spans))


def _beginning(endpoint: Endpoint, since: datetime) -> datetime:
    """The start of a row from which everything later can be told: the last good one before what changes."""
    touched = Outage.objects.filter(
        Q(first_good_at__isnull=True) | Q(first_good_at__gte=since),
        Q(last_good_at__isnull=True) | Q(last_good_at__lte=since),
        endpoint=endpoint,
    )
    for outage in touched:
        since = min(since, outage.last_good_at or outage.first_bad_at - _HOUR)
    bound = since + _HOUR
    with connection.cursor() as cursor:
        while True:
            cursor.execute(_LAST_GOOD_HOUR_SQL, [endpoint.pk, bound])
            hour: datetime | None = cursor.fetchone()[0]
            if hour is None:
                return since
            # A good row at `since` itself is where an outage's last good one lies.
            until = min(hour + _HOUR, since + timedelta(microseconds=1))
            cursor.execute(_LAST_GOOD_SQL, [endpoint.pk, hour, until])
            found: datetime | None = cursor.fetchone()[0]
            if found is not None:
                return found
            bound = hour


def _outages(endpoint: Endpoint, rows: Sequence[_Row], hold: timedelta) -> tuple[Trail, list[Outage]]:
    trail, found, failures = Trail(), list[Outage](), list[_Row]()
    for row in rows:
        trail, closed = trail.advance(Observation(row.ts, row.ended_at, row.ok), hold=hold)
        if closed is not None:
            found.append(_outage(endpoint, closed, failures))
            failures = []
        if not row.ok:
            failures.append(row)
    if trail.outage is not None:
        found.append(_outage(endpoint, trail.outage, failures))
    return trail, found


def _outage(endpoint: Endpoint, facts: OutageFacts, failures: Sequence[_Row]) -> Outage:
    first = failures[0]
    return Outage(
        endpoint=endpoint,
        last_good_at=facts.last_good_at,
        first_bad_at=facts.first_bad_at,
        last_bad_at=facts.last_bad_at,
        first_good_at=facts.first_good_at,
        confirmed=facts.confirmed,
        unseen_s=facts.unseen.total_seconds(),
        failures=len(failures),
        status_code=first.status_code or 0,
        error_class=first.error_class,
        error=first.words[:500],
    )


def _save_outages(endpoint: Endpoint, begin: datetime, found: list[Outage]) -> list[Outage]:
    known = list(
        Outage.objects.filter(endpoint=endpoint, last_bad_at__gte=begin).order_by("first_bad_at", "id")
    )
    place = 0
    for outage in found:
        while place < len(known) and known[place].last_bad_at < min(outage.first_bad_at, outage.last_bad_at):
            place += 1
        if place < len(known) and known[place].first_bad_at <= max(outage.first_bad_at, outage.last_bad_at):
            outage.pk, place = known[place].pk, place + 1
            outage._state.adding = False
    kept = {outage.pk for outage in found if outage.pk}
    # Those that are gone first, then those that close: an endpoint has one open outage at a time.
    Outage.objects.filter(pk__in=[outage.pk for outage in known if outage.pk not in kept]).delete()
    fields = [f.name for f in Outage._meta.concrete_fields if f.name not in {"id", "endpoint"}]
    again = [outage for outage in found if outage.pk]
    for group in ([o for o in again if o.first_good_at], [o for o in again if not o.first_good_at]):
        Outage.objects.bulk_update(group, fields, batch_size=500)
    Outage.objects.bulk_create([outage for outage in found if not outage.pk], batch_size=2000)
    return found


def _spans(rows: Sequence[_Row], hold: timedelta) -> list[Window]:
    starts = [row for row in rows if row.seen_until is None or row.ts > row.seen_until + hold]
    ends = [after.seen_until for _, after in pairwise(starts)]
    last = max(rows[-1].ended_at, rows[-1].seen_until or rows[-1].ended_at)
    return [
        Window(start.ts, end + hold)
        for start, end in zip(starts, [*ends, last], strict=True)
        if end is not None
    ]


def _save_spans(endpoint: Endpoint, begin: datetime, found: list[Window]) -> list[ObservedSpan]:
    spans = [ObservedSpan(endpoint=endpoint, started_at=w.start, ended_at=w.end) for w in found]
    ObservedSpan.objects.filter(endpoint=endpoint, started_at__gte=begin).delete()
    before = (
        ObservedSpan.objects.filter(
            endpoint=endpoint, started_at__lt=begin, ended_at__gte=spans[0].started_at
        )
        .order_by("-started_at")
        .first()
    )
    if before is not None:
        before.ended_at = spans[0].ended_at
        before.save(update_fields=["ended_at"])
        spans[0] = before
    ObservedSpan.objects.bulk_create(spans[1:] if before else spans, batch_size=2000)
    return spans


def _save_state(
    endpoint: Endpoint, last: _Row, trail: Trail, outage: Outage | None, span: ObservedSpan
) -> None:
    if outage is None:
        standing = EndpointStanding.UP
    else:
        standing = EndpointStanding.DOWN if outage.confirmed else EndpointStanding.SUSPECT
    state = EndpointState.objects.get(endpoint=endpoint)
    if state.standing != standing.value:
        state.standing, state.standing_since = standing.value, last.ended_at
    state.last_at, state.last_status = last.ts, last.status_code
    state.last_latency_ms = last.latency_ms if last.status_code != 0 else None
    state.last_error = "" if last.ok else last.words[:500]
    state.last_good_at, state.seen_until = trail.last_good_at, trail.seen_until
    state.outage, state.span = outage, span
    state.save(
        update_fields=[
            "standing", "standing_since", "last_at", "last_status", "last_latency_ms", "last_error",
            "last_good_at", "seen_until", "outage", "span",
        ]
    )  # fmt: skip
