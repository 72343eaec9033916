"""Gathers, from the stored rows, everything that a verdict rests on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from monitoring.domain.confidence import lower_bound
from monitoring.domain.costs import daily_totals, run_rate
from monitoring.domain.evidence import (
    ApiDay,
    CostFacts,
    EndpointDay,
    ErrorRateFacts,
    Evidence,
    IncidentFacts,
    OutageSummary,
    TriggerFacts,
    UptimeFacts,
)
from monitoring.domain.evidence import Incident as IncidentSummary
from monitoring.domain.evidence import Window as Span
from monitoring.domain.incidents import Known
from monitoring.domain.policy import Policy
from monitoring.domain.rollups import Counts
from monitoring.domain.uptime import EndpointRecord, format_percent, measure
from monitoring.domain.windows import Window
from monitoring.models import Endpoint, Incident, Outage
from monitoring.services.alert_days import alerts_by_day
from monitoring.services.costs import entries_between
from monitoring.services.rollups import count_days, count_observations
from monitoring.services.uptime import endpoint_records, observed_share, outage_facts
from tenancy.context import control_transaction


def gather_evidence(*, now: datetime, window: Window, policy: Policy) -> Evidence:
    """The evidence for judging `window` at `now`. A constant number of queries, in one transaction."""
    with control_transaction("judge"):
        critical = list(Endpoint.objects.critical().order_by("name", "id"))
        records = endpoint_records(critical, window)
        uptime = _uptime(window, now, critical, records)
        return Evidence(
            judged_at=now,
            window=Span(window.start, window.end),
            uptime=uptime,
            error_rate=_error_rate(now, policy, critical),
            incidents=_incidents(window, now, uptime),
            api_days=_api_days(now, policy),
            costs=_costs(window, now),
            triggers=_triggers(window),
        )


def _uptime(
    window: Window, now: datetime, critical: list[Endpoint], records: dict[int, EndpointRecord]
) -> UptimeFacts:
    measured = measure(window, list(records.values()), now)
    ids = [endpoint.pk for endpoint in critical]
    counts = sum(count_observations(window, endpoint_ids=ids).values(), Counts()) if ids else Counts()
    rows = (
        Outage.objects.touching(window.start, window.end)
        .confirmed()
        .filter(endpoint_id__in=ids)
        .select_related("endpoint")
        .order_by("first_bad_at", "id")
    )
    outages = tuple(
        OutageSummary(
            row.endpoint.name, outage_facts(row).likely_s(now), row.first_bad_at, row=f"outage:{row.pk}"
        )
        for row in rows
    )
    return UptimeFacts(
        critical_endpoints=len(critical),
        samples=counts.total,
        failed_probes=counts.bad,
        low=measured.uptime.low if measured.uptime else None,
        likely=measured.uptime.likely if measured.uptime else None,
        high=measured.uptime.high if measured.uptime else None,
        coverage=measured.coverage,
        longest_outage_s=max((outage.likely_s for outage in outages), default=None),
        outages=outages,
        demonstrated=_demonstrated(counts, "good probes"),
        rows=tuple(f"endpoint:{pk}" for pk in ids),
    )


def _demonstrated(counts: Counts, of_what: str) -> str | None:
    """The sentence on what so many independent checks show, or None without any."""
    bound = lower_bound(checks=counts.total, failures=counts.bad)
    if bound is None:
        return None
    shown = f"at least {format_percent(bound, 3)} % {of_what} at 95 %"
    return f"{counts.total:,} checks, {counts.bad:,} bad: {shown}."


def _error_rate(now: datetime, policy: Policy, critical: list[Endpoint]) -> ErrorRateFacts | None:
    if policy.error_rate is None:
        return None
    window = Window.trailing(now, timedelta(hours=policy.error_rate.hours))
    counts = sum(count_observations(window).values(), Counts())
    measured = measure(window, list(endpoint_records(critical, window).values()), now)
    return ErrorRateFacts(
        window=Span(window.start, window.end),
        bad=counts.bad,
        total=counts.total,
        coverage=measured.coverage,
        demonstrated=_demonstrated(counts, "good observations"),
        rows=("health_log",),
    )


def _incidents(window: Window, now: datetime, uptime: UptimeFacts) -> IncidentFacts:
    rows = Incident.objects.perhaps_touching(window.start, now + timedelta(microseconds=1)).with_story()
    known = [(row, row.known_at(now)) for row in rows.order_by("opened_at", "id")]
    return IncidentFacts(
        incidents=tuple(_incident_as_known(row, then) for row, then in known if then),
        coverage=uptime.coverage,
        samples=uptime.samples,
        rows=tuple(f"incident:{row.pk}" for row, then in known if then),
    )


def _incident_as_known(row: Incident, known: Known) -> IncidentSummary:
    """The gravest it had been by then: lowering a P1 later does not take it from the gate."""
    title = row.title
    if known.severity is not known.gravest:
        title += f" (re-classified as {known.severity.value})"
    return IncidentSummary(str(row.pk), known.gravest.value, row.opened_at, known.resolved_at, title)


def _api_days(now: datetime, policy: Policy) -> tuple[ApiDay, ...]:
    """Enough UTC days to find a streak, paused ones and today too, as the five endpoints were probed."""
    back = 2 * (policy.intelligence_api_days.min_days if policy.intelligence_api_days else 0) + 7
    endpoints = list(Endpoint.objects.filter(intelligence_api=True).order_by("url", "id"))
    today = now.astimezone(UTC).date()
    first = today - timedelta(days=back)
    span = Window(Window.utc_day(first).start, Window.utc_day(today).end)
    counts = count_days(span, endpoint_ids=[endpoint.pk for endpoint in endpoints])
    records = endpoint_records(endpoints, span)
    wanted = policy.intelligence_api_days.coverage if policy.intelligence_api_days else 1.0
    alerts = alerts_by_day(span, now, least_evaluated=wanted)
    days = []
    for step in range(back + 1):
        day = first + timedelta(days=step)
        window = Window.utc_day(day)
        coverages = [observed_share(window, records[endpoint.pk].spans, now) for endpoint in endpoints]
        days.append(
            ApiDay(
                day=day,
                completed=day < today,
                endpoints=tuple(
                    EndpointDay(urlsplit(endpoint.url).path, _share_ok(counts.get((endpoint.pk, day))))
                    for endpoint in endpoints
                ),
                coverage=min(coverages, default=None),
                # A day of which nobody knows whether an alert fired cannot count.
                alert_firing=alerts.get(day),
                row=f"day:{day.isoformat()}",
            )
        )
    return tuple(days)


def _share_ok(counts: Counts | None) -> float | None:
    return (counts.total - counts.bad) / counts.total if counts and counts.total else None


def _costs(window: Window, now: datetime) -> CostFacts:
    first, today = window.start.astimezone(UTC).date(), now.astimezone(UTC).date()
    entries = entries_between(min(first, today), today)
    rate = run_rate(entries, now)
    return CostFacts(
        days=daily_totals(entries, min(first, today), today, now),
        run_rate=rate.total if rate else None,
        rows=tuple(f"cost:{day.isoformat()}" for day in sorted({entry.day for entry in entries})),
    )


def _triggers(window: Window) -> TriggerFacts:
    ids = list(Endpoint.objects.filter(intelligence_api=True).values_list("pk", flat=True))
    counts = sum(count_observations(window, endpoint_ids=ids).values(), Counts()) if ids else None
    return TriggerFacts(
        # Heals and real requests are not recorded yet: what nobody counts is unknown, not zero.
        heals=None,
        api_server_errors=None,
        api_failed_probes=counts.bad if counts and counts.total else None,
    )
