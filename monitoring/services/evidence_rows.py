"""The rows behind a judgement, table by table, as they stood at the judged moment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from monitoring.domain.evidence_rows import EvidenceRow, row_of
from monitoring.domain.policy import Policy
from monitoring.domain.rollups import parts_of
from monitoring.domain.windows import Window, Windows, union, window_or_none
from monitoring.models import AlertEpisode, HealthHour, HealthLog, HealthMinute
from monitoring.services.alert_days import evaluated_hours
from monitoring.services.evidence import api_days_since
from monitoring.services.known import Material

_KEY = ("endpoint_key", "source", "tenant_id", "at")
_COUNTS = ("total", "bad", "server_errors", "latency_sum_ms", "latency_count")


def rows_behind(
    material: Material, *, windows: Iterable[Window], policy: Policy, now: datetime
) -> tuple[EvidenceRow, ...]:
    """Every row that the evidence of these windows was read from. Needs the control plane's scope."""
    hours = timedelta(hours=policy.error_rate.hours) if policy.error_rate else timedelta(0)
    counted = [window_or_none(window.start, min(window.end, now)) for window in windows]
    counted.append(window_or_none(now - hours, now))
    seen = [window for window in counted if window]
    rows = [
        *_endpoints(material),
        *_outages(material),
        *_spans(material),
        *_incidents(material),
        *_costs(material),
        *_maintenance(material),
        *_alerts(api_days_since(now, policy), now),
        *_counts(seen),
        *_api_hours(material, api_days_since(now, policy), now),
    ]
    return tuple(sorted(set(rows)))


def _endpoints(material: Material) -> Iterator[EvidenceRow]:
    for endpoint in material.endpoints:
        yield row_of(
            "endpoints",
            endpoint.pk,
            name=endpoint.name,
            url=endpoint.url,
            critical=endpoint.critical,
            intelligence_api=endpoint.intelligence_api,
        )


def _outages(material: Material) -> Iterator[EvidenceRow]:
    for known in material.outages:
        facts = known.facts
        yield row_of(
            "outages",
            known.row.pk,
            endpoint=known.endpoint.name,
            last_good_at=facts.last_good_at,
            first_bad_at=facts.first_bad_at,
            last_bad_at=facts.last_bad_at,
            first_good_at=facts.first_good_at,
            confirmed=facts.confirmed,
            unseen_s=facts.unseen.total_seconds(),
            status_code=known.row.status_code,
            error_class=known.row.error_class,
            error=known.row.error,
        )


def _spans(material: Material) -> Iterator[EvidenceRow]:
    names = {endpoint.pk: endpoint.name for endpoint in material.endpoints}
    for endpoint_id, span in material.spans:
        yield row_of(
            "observed_spans",
            span.pk,
            endpoint=names[endpoint_id],
            started_at=span.started_at,
            ended_at=min(span.ended_at, material.knowledge.at),
        )


def _incidents(material: Material) -> Iterator[EvidenceRow]:
    for row, known in material.incidents:
        yield row_of(
            "incidents",
            row.pk,
            severity=known.gravest.value,
            title=row.title,
            opened_at=row.opened_at,
            resolved_at=known.resolved_at,
        )


def _costs(material: Material) -> Iterator[EvidenceRow]:
    for row in material.costs:
        yield row_of(
            "cost_entries",
            row.pk,
            day=row.day,
            service=row.service,
            amount=material.knowledge.amounts.get(row.pk, row.amount),
            kind=row.kind,
            source=row.source,
        )


def _maintenance(material: Material) -> Iterator[EvidenceRow]:
    for row in material.maintenance:
        concerned = [endpoint.name for endpoint in material.endpoints if row.concerns(endpoint)]
        yield row_of(
            "maintenance_windows",
            row.pk,
            title=row.title,
            reason=row.reason,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            created_by=row.created_by,
            created_at=row.created_at,
            endpoints=json.dumps(concerned, ensure_ascii=False),
        )


def _alerts(since: datetime, now: datetime) -> Iterator[EvidenceRow]:
    """The alerts that pause API days, and the days on which anybody looked for them."""
    span = Window(since, Window.utc_day(now.date()).end)
    episodes = AlertEpisode.objects.touching(span.start, span.end).filter(
        pauses_api_days=True, fired_at__lte=now
    )
    for row in episodes.order_by("id"):
        over = row.resolved_at if row.resolved_at and row.resolved_at <= now else None
        yield row_of(
            "alert_episodes",
            row.pk,
            rule=row.rule_key,
            subject=row.subject_name,
            fired_at=row.fired_at,
            resolved_at=over,
        )
    for day, hours in sorted(evaluated_hours(span, now).items()):
        yield row_of("alert_checks", day.isoformat(), hours_evaluated=hours)


def _counts(windows: Iterable[Window]) -> Iterator[EvidenceRow]:
    """Hours inside, minutes around them and single observations at the very edges, as they are counted."""
    parts = [parts_of(window) for window in windows]
    hours = union(*(part.hours for part in parts))
    # Not less the hours: an edge of one window lies inside another, and each is counted by its own parts.
    minutes = union(*(part.minutes for part in parts))
    for piece in hours:
        found = HealthHour.objects.filter(at__gte=piece.start, at__lt=piece.end)
        yield from _rolled("health_hours", found.values_list(*_KEY, *_COUNTS))
    for piece in minutes:
        kept = HealthMinute.objects.filter(at__gte=piece.start, at__lt=piece.end)
        yield from _rolled("health_minutes", kept.values_list(*_KEY, *_COUNTS))
    yield from _observations(union(*(part.rows for part in parts)))


def _api_hours(material: Material, since: datetime, now: datetime) -> Iterator[EvidenceRow]:
    """The hours behind the intelligence API days, which reach further back than the windows."""
    ids = [endpoint.pk for endpoint in material.intelligence_api]
    midnight = Window.utc_day(now.date()).start
    found = HealthHour.objects.filter(at__gte=since, at__lt=midnight, endpoint_key__in=ids)
    yield from _rolled("health_hours", found.values_list(*_KEY, *_COUNTS))
    today = window_or_none(midnight, now)
    for row in _counts([today] if today else []):
        if row.table == "system_health_log" or int(row.key.split("/")[0]) in ids:
            yield row


def _rolled(table: str, found: Iterable[tuple[Any, ...]]) -> Iterator[EvidenceRow]:
    for key, source, tenant, at, *counts in found:
        cells = dict(zip(_COUNTS, counts, strict=True))
        yield row_of(table, f"{key}/{source}/{tenant}/{at:%Y-%m-%dT%H:%MZ}", **cells)


def _observations(pieces: Windows) -> Iterator[EvidenceRow]:
    for piece in pieces:
        for row in HealthLog.objects.filter(ts__gte=piece.start, ts__lt=piece.end).order_by("ts", "id"):
            yield row_of(
                "system_health_log",
                row.pk,
                endpoint=row.endpoint_id,
                source=row.source,
                ts=row.ts,
                ok=row.ok,
                status_code=row.status_code,
                latency_ms=row.latency_ms,
            )
