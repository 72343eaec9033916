"""Feeds the detectors what is new of their series, and keeps what they find as events.

Detectors remember between cycles as bytes in `series_memories`. Those are written again only every few
points: what came since is cheaper to feed once more than to write each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from intelligence.domain.detectors import Detector, Reading
from intelligence.domain.explaining import explain
from intelligence.domain.series import WATCHED, severity_of
from intelligence.domain.snapshots import UnableToRestore, pack, unpack
from intelligence.models import IntelEvent, SeriesMemory
from intelligence.services.collecting import Collected, Series

# 28 days of quarters: the same weekday of four weeks.
HISTORY = 2688
# How far back a series is learned that was never seen before.
LEARN_FROM = timedelta(days=7)
# Points fed in one cycle at most, at about 50 µs each: series beyond it begin with the next cycle.
MOST_POINTS = 50_000
_WRITE_EVERY = 8
_READ_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """An alert of one series at one point."""

    series: Series
    reading: Reading


@dataclass(frozen=True, slots=True)
class Detected:
    """What a pass over the series found; `waiting` counts series that will be learned in a later cycle."""

    findings: tuple[Finding, ...]
    series: int
    points: int
    waiting: int


def known_since(keys: Iterable[str] | None = None) -> dict[str, datetime]:
    """Up to when each series' memory knows it. One query."""
    rows = SeriesMemory.objects.all() if keys is None else SeriesMemory.objects.filter(series__in=list(keys))
    return dict(rows.values_list("series", "last_at"))


def detect(collected: Collected, *, now: datetime) -> Detected:
    """This will judge the new points and keep the memories; alerts older than two steps are old news.

    One query per hundred series, and one statement more for the memories that are written again.
    """
    findings: list[Finding] = []
    fed = waiting = 0
    for chunk in _chunks(collected.series):
        stored = {
            row.series: row for row in SeriesMemory.objects.filter(series__in=[one.key for one in chunk])
        }
        changed: list[SeriesMemory] = []
        for series in chunk:
            points = collected.points[series.key]
            known = sum(value is not None for _, value in points)
            if series.key not in stored and fed + known > MOST_POINTS:
                waiting += 1
                continue
            memory = stored.get(series.key)
            detector = _restored(memory, series)
            readings = _feed(detector, points)
            fed += len(readings)
            findings += [
                Finding(series, one) for one in readings if one.is_alert and now - one.at < 3 * series.step
            ]
            if detector.last_at and (memory is None or len(readings) >= _WRITE_EVERY):
                changed.append(SeriesMemory(series.key, detector.last_at, pack(detector), now))
        SeriesMemory.objects.bulk_create(
            changed,
            update_conflicts=True,
            unique_fields=["series"],
            update_fields=["last_at", "packed", "updated_at"],
        )
    return Detected(tuple(findings), len(collected.series), fed, waiting)


def _chunks(series: tuple[Series, ...]) -> Iterator[tuple[Series, ...]]:
    for start in range(0, len(series), _READ_AT_ONCE):
        yield series[start : start + _READ_AT_ONCE]


def _restored(memory: SeriesMemory | None, series: Series) -> Detector:
    if memory is not None:
        try:
            return unpack(bytes(memory.packed))
        except UnableToRestore:
            # Of another version: what is collected anew is all there is to learn from.
            return Detector(WATCHED[series.kind], history=HISTORY)
    return Detector(WATCHED[series.kind], history=HISTORY)


def _feed(detector: Detector, points: list[tuple[datetime, float | None]]) -> list[Reading]:
    last = detector.last_at
    return [detector.judge(at, value) for at, value in points if last is None or at > last]


def event_of(finding: Finding) -> IntelEvent:
    """The row that keeps a finding."""
    series, reading = finding.series, finding.reading
    terms = reading.terms
    if reading.value is None:
        raise ValueError(f"A finding of {series.key} at {reading.at} has no value.")
    return IntelEvent(
        tenant_id=series.tenant_id,
        event=series.kind.value,
        series=series.key,
        value=reading.value,
        mean=reading.expected,
        ts=reading.at,
        component=series.component[:100],
        severity=severity_of(series.kind, reading.score or 0.0).value,
        details={
            "series": series.key,
            "score": reading.score,
            "p": reading.p,
            "direction": reading.direction.value if reading.direction else None,
            "terms": {"level": terms.level, "seasonal": terms.seasonal, "activity": terms.activity},
            "baseline": {
                "start": reading.baseline_start.isoformat() if reading.baseline_start else None,
                "end": reading.baseline_end.isoformat() if reading.baseline_end else None,
                "points": reading.baseline_points,
                "same_time_of_day": reading.seasonal_baseline,
            },
            "explanation": explain(series.name, reading),
        },
    )


def store_events(findings: Iterable[Finding]) -> list[tuple[Finding, IntelEvent]]:
    """This will keep each finding once, and return those that were not known yet. Two statements."""
    wanted = [(finding, event_of(finding)) for finding in findings]
    if not wanted:
        return []
    places = {(event.series, event.ts) for _, event in wanted}
    known = set(
        IntelEvent.objects.filter(
            series__in={series for series, _ in places}, ts__in={ts for _, ts in places}
        ).values_list("series", "ts")
    )
    new = [(finding, event) for finding, event in wanted if (event.series, event.ts) not in known]
    IntelEvent.objects.bulk_create([event for _, event in new], ignore_conflicts=True)
    kept = {
        (event.series, event.ts): event
        for event in IntelEvent.objects.filter(
            series__in={event.series for _, event in new}, ts__in={event.ts for _, event in new}
        )
    }
    return [
        (finding, kept[event.series, event.ts]) for finding, event in new if (event.series, event.ts) in kept
    ]
