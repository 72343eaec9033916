"""What was measured for every SLO at one moment, in a number of queries that does not grow with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db import connection
from django.db.models import Min

from monitoring.domain.burn_rate import BURN_WINDOWS
from monitoring.domain.histogram import bucket_of, middle_of
from monitoring.domain.rollups import parts_of
from monitoring.domain.slo import SliKind
from monitoring.domain.slo_reading import SloMaterial, Stretch
from monitoring.domain.uptime import EndpointRecord, measure
from monitoring.domain.windows import Window, Windows, intersect, total_seconds, union
from monitoring.models import Endpoint, ObservedSpan, Slo
from monitoring.services.uptime import endpoint_records

_DAY, _HOUR, _MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_COUNTED = """
    SELECT s.n, r.endpoint_key, sum(r.total), sum(r.bad), sum(r.latency_count)
    FROM unnest(%s::int[], %s::timestamptz[], %s::timestamptz[]) AS s (n, low, high)
    JOIN {table} r ON r.at >= s.low AND r.at < s.high AND r.endpoint_key = ANY(%s) GROUP BY 1, 2
"""
_IN_HOURS = """
    SELECT s.n, r.endpoint_key, r.bucket, sum(r.n)
    FROM unnest(%s::int[], %s::timestamptz[], %s::timestamptz[]) AS s (n, low, high)
    JOIN health_latencies r ON r.at >= s.low AND r.at < s.high AND r.endpoint_key = ANY(%s) GROUP BY 1, 2, 3
"""
# One piece for each edge: only constants let the planner leave partitions of the log out.
_IN_ROWS = """
    SELECT %s, endpoint_id, latency_bucket(latency_ms), count(*)
    FROM system_health_log WHERE ts >= %s AND ts < %s AND endpoint_id = ANY(%s)
      AND status_code > 0 AND latency_ms IS NOT NULL GROUP BY 2, 3
"""


@dataclass(frozen=True, slots=True)
class Gathered:
    """The SLOs in force, each with what was measured for it."""

    slos: tuple[Slo, ...]
    material: Mapping[int, SloMaterial]


@dataclass(frozen=True, slots=True)
class _Counts:
    """Counts of observations by the window they are in and the endpoint they are of, cut at every start.

    `answered` is by bucket of the latency; only where a latency SLO asks.
    """

    segments: Windows
    counted: Mapping[tuple[int, int], tuple[int, int, int]]
    answered: Mapping[tuple[int, int], Mapping[int, int]]

    def _within(self, window: Window) -> list[int]:
        return [n for n, one in enumerate(self.segments) if one.start >= window.start]

    def bad_and_total(self, window: Window, ids: Iterable[int]) -> tuple[int, int]:
        """How many observations of the endpoints were bad, of how many."""
        keys = [(n, key) for n in self._within(window) for key in ids]
        found = [self.counted[key] for key in keys if key in self.counted]
        return sum(bad for _, bad, _ in found), sum(total for total, _, _ in found)

    def slow_and_total(self, window: Window, ids: Iterable[int], threshold_ms: float) -> tuple[int, int]:
        """How many were not answered in time, of how many. One without any answer was not in time; one that
        says no latency (an imported row may) says nothing."""
        edge = bucket_of(threshold_ms)
        # A bucket is 1 % wide: the threshold is rounded to its nearer edge.
        last = edge if threshold_ms >= middle_of(edge) else edge - 1
        slow = total = 0
        for key in [(n, key) for n in self._within(window) for key in ids]:
            seen, bad, timed = self.counted.get(key, (0, 0, 0))
            in_time = sum(n for bucket, n in self.answered.get(key, {}).items() if bucket <= last)
            judged = timed + min(bad, seen - timed)
            slow += max(judged - in_time, 0)
            total += judged
        return slow, total


def gather(*, now: datetime) -> Gathered:
    """What was measured for every SLO in force by `now`. Needs the control plane's scope.

    Nine queries, one more with maintenance in the windows, two fewer without a latency SLO or endpoints.
    Observations are counted up to the last full minute; a window of a day or more begins on the full hour.
    """
    slos = tuple(Slo.objects.in_force())
    critical = list(Endpoint.objects.critical().select_related("state").order_by("id"))
    chosen = {slo.pk: list(slo.endpoints.all()) or critical for slo in slos}
    endpoints = list({endpoint.pk: endpoint for some in chosen.values() for endpoint in some}.values())
    if not endpoints:
        return Gathered(slos, {slo.pk: _nothing(slo, now) for slo in slos})
    windows = {slo.pk: slo.terms.period.window(now) for slo in slos}
    longest = Window(
        min([window.start for window in windows.values()] + [now - BURN_WINDOWS[-1]]) - _HOUR, now
    )
    records = endpoint_records(endpoints, longest)
    first_seen = dict(
        ObservedSpan.objects.filter(endpoint_id__in=records)
        .values_list("endpoint_id")
        .annotate(first=Min("started_at"))
    )
    counts = _count(slos, chosen, windows, now)
    return Gathered(
        slos,
        {
            slo.pk: _material(
                slo,
                chosen[slo.pk],
                windows[slo.pk],
                now,
                records=records,
                first_seen=first_seen,
                counts=counts,
            )
            for slo in slos
        },
    )


def _nothing(slo: Slo, now: datetime) -> SloMaterial:
    window = slo.terms.period.window(now)
    return SloMaterial(
        window=window,
        spent=Stretch(window.seconds, 0.0, 0.0),
        elapsed_s=(now - window.start).total_seconds(),
        recent={length: Stretch(length.total_seconds(), 0.0, 0.0) for length in BURN_WINDOWS},
        history=None,
        silence_s=None,
        hold_s=0.0,
        endpoints=0,
        samples=0,
    )


def _material(
    slo: Slo,
    endpoints: Sequence[Endpoint],
    window: Window,
    now: datetime,
    *,
    records: Mapping[int, EndpointRecord],
    first_seen: Mapping[int, datetime],
    counts: _Counts,
) -> SloMaterial:
    ids = [endpoint.pk for endpoint in endpoints]
    mine = [records[pk] for pk in ids]
    spans = union(*(record.spans for record in mine))

    def stretch(within: Window) -> Stretch:
        if slo.terms.sli is SliKind.AVAILABILITY:
            spent = measure(within, mine, now)
            down = spent.down_s.likely
            return Stretch(within.seconds, spent.up_s.likely + down, down)
        counted = _counted_from(within.start, now)
        if slo.terms.threshold_ms is None:
            bad, total = counts.bad_and_total(counted, ids)
        else:
            bad, total = counts.slow_and_total(counted, ids, slo.terms.threshold_ms)
        observed = intersect(spans, (Window(within.start, now),))
        return Stretch.of_counts(
            length_s=within.seconds, observed_s=total_seconds(observed), bad=bad, total=total
        )

    seen = [first_seen[pk] for pk in ids if pk in first_seen]
    return SloMaterial(
        window=window,
        spent=stretch(window),
        elapsed_s=(now - window.start).total_seconds(),
        recent={length: stretch(Window.trailing(now, length)) for length in BURN_WINDOWS},
        history=now - min(seen) if seen else None,
        silence_s=max((now - _seen_until(endpoint)).total_seconds() for endpoint in endpoints),
        hold_s=max(endpoint.hold_s for endpoint in endpoints),
        endpoints=len(endpoints),
        samples=counts.bad_and_total(_counted_from(window.start, now), ids)[1],
    )


def _seen_until(endpoint: Endpoint) -> datetime:
    """When it was last seen; one that nobody has seen yet counts from its beginning."""
    state = getattr(endpoint, "state", None)
    return state.seen_until if state and state.seen_until else endpoint.created_at


def _counted_from(start: datetime, now: datetime) -> Window:
    """The window whose observations are counted for one from `start` to `now`: cut where rollups are cut."""
    unit = _HOUR if now - start >= _DAY else _MINUTE
    return Window(_floor(start, unit), max(_floor(now, _MINUTE), _floor(start, unit) + _MINUTE))


def _floor(moment: datetime, unit: timedelta) -> datetime:
    return _EPOCH + (moment - _EPOCH) // unit * unit


def _count(
    slos: Iterable[Slo],
    chosen: Mapping[int, Sequence[Endpoint]],
    windows: Mapping[int, Window],
    now: datetime,
) -> _Counts:
    starts = {_counted_from(now - length, now).start for length in BURN_WINDOWS}
    starts |= {_counted_from(window.start, now).start for window in windows.values()}
    edges = sorted({start for start in starts if start < _floor(now, _MINUTE)} | {_floor(now, _MINUTE)})
    segments = tuple(Window(low, high) for low, high in pairwise(edges))
    ids = sorted({endpoint.pk for some in chosen.values() for endpoint in some})
    timed = sorted({e.pk for slo in slos if slo.threshold_ms is not None for e in chosen[slo.pk]})
    return _Counts(segments, _read_counts(segments, ids), _read_latencies(segments, timed) if timed else {})


def _arrays(parts: Iterable[tuple[int, Window]]) -> list[list[Any]]:
    listed = list(parts)
    return [[n for n, _ in listed], [one.start for _, one in listed], [one.end for _, one in listed]]


def _read_counts(segments: Windows, ids: Sequence[int]) -> dict[tuple[int, int], tuple[int, int, int]]:
    parts = [(n, parts_of(segment)) for n, segment in enumerate(segments)]
    hours = _arrays((n, window) for n, part in parts for window in part.hours)
    minutes = _arrays((n, window) for n, part in parts for window in part.minutes)
    sql = " UNION ALL ".join(_COUNTED.format(table=table) for table in ("health_hours", "health_minutes"))
    found: dict[tuple[int, int], tuple[int, int, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(sql, [*hours, list(ids), *minutes, list(ids)])
        for n, key, total, bad, timed in cursor.fetchall():
            before = found.get((n, key), (0, 0, 0))
            found[n, key] = (before[0] + int(total), before[1] + int(bad), before[2] + int(timed))
    return found


def _read_latencies(segments: Windows, ids: Sequence[int]) -> dict[tuple[int, int], dict[int, int]]:
    parts = [(n, parts_of(segment)) for n, segment in enumerate(segments)]
    pieces = [_IN_HOURS]
    params: list[Any] = [*_arrays((n, window) for n, part in parts for window in part.hours), list(ids)]
    for n, part in parts:
        for window in part.minutes:
            pieces.append(_IN_ROWS)
            params += [n, window.start, window.end, list(ids)]
    found: dict[tuple[int, int], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(pieces), params)
        for n, key, bucket, number in cursor.fetchall():
            found[n, key][bucket] += int(number)
    return found
