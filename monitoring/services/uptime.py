"""Uptime from the stored outages and spans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from monitoring.domain.outages import Outage as OutageFacts
from monitoring.domain.uptime import EndpointRecord, Uptime, measure
from monitoring.domain.windows import Window, Windows, union
from monitoring.models import Endpoint, ObservedSpan, Outage
from monitoring.services.maintenance import excluded_times


def endpoint_records(endpoints: Iterable[Endpoint], window: Window) -> dict[int, EndpointRecord]:
    """What is stored of each endpoint that touches `window`, by endpoint id. Three queries; a fourth with
    maintenance in the window."""
    kept = list(endpoints)
    keys = {endpoint.pk: endpoint.name for endpoint in kept}
    excluded = excluded_times(kept, window)
    outages: dict[int, list[OutageFacts]] = defaultdict(list)
    for row in Outage.objects.touching(window.start, window.end).filter(endpoint_id__in=keys):
        outages[row.endpoint_id].append(outage_facts(row))
    spans: dict[int, list[Window]] = defaultdict(list)
    touching = ObservedSpan.objects.filter(
        endpoint_id__in=keys, ended_at__gt=window.start, started_at__lt=window.end
    )
    for endpoint_id, started_at, ended_at in touching.values_list("endpoint_id", "started_at", "ended_at"):
        spans[endpoint_id].append(Window(started_at, ended_at))
    return {
        pk: EndpointRecord(
            key=name,
            spans=union(spans[pk]),
            outages=tuple(outages[pk]),
            excluded=union(excluded.get(pk, ())),
        )
        for pk, name in keys.items()
    }


def outage_facts(row: Outage) -> OutageFacts:
    """The four instants of a stored outage."""
    return OutageFacts(
        row.last_good_at,
        row.first_bad_at,
        row.last_bad_at,
        row.first_good_at,
        confirmed=row.confirmed,
        unseen=timedelta(seconds=row.unseen_s),
    )


def platform_uptime(window: Window, now: datetime) -> Uptime:
    """The platform's uptime: all critical endpoints together. Four queries, none on the log."""
    critical = list(Endpoint.objects.critical())
    return measure(window, list(endpoint_records(critical, window).values()), now)


def observed_share(window: Window, spans: Windows, now: datetime) -> float:
    """The share of `window` that `spans` cover, up to `now`."""
    return measure(window, [EndpointRecord(key="", spans=spans)], now).coverage


def latest_outages(
    *, since: datetime | None = None, endpoint: str = "", confirmed_only: bool = True
) -> Sequence[Outage]:
    """Outages, the newest first. One query."""
    rows = Outage.objects.select_related("endpoint").order_by("-first_bad_at", "-id")
    if confirmed_only:
        rows = rows.confirmed()
    if since is not None:
        rows = rows.filter(last_bad_at__gte=since)
    if endpoint:
        rows = rows.filter(endpoint__name=endpoint)
    return list(rows)
