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
from monitoring.domain.outages import Outage as OutageFacts
from monitoring.domain.policy import Policy
from monitoring.domain.rollups import Counts
from monitoring.domain.uptime import format_percent, measure
from monitoring.domain.windows import Window, window_or_none
from monitoring.models import Incident
from monitoring.services.alert_days import alerts_by_day
from monitoring.services.known import Knowledge, Material, load_material
from monitoring.services.rollups import count_days, count_observations
from monitoring.services.uptime import observed_share
from tenancy.context import control_transaction


def gather_evidence(
    *, now: datetime, window: Window, policy: Policy, knowledge: Knowledge | None = None
) -> Evidence:
    """The evidence for judging `window` at `now`. A constant number of queries, in one transaction."""
    with control_transaction("judge"):
        material = material_for(now=now, window=window, policy=policy, knowledge=knowledge)
        return evidence_from(material, now=now, window=window, policy=policy)


def material_for(
    *, now: datetime, window: Window, policy: Policy, knowledge: Knowledge | None = None
) -> Material:
    """The rows that `evidence_from` needs."""
    hours = timedelta(hours=policy.error_rate.hours) if policy.error_rate else timedelta(0)
    return load_material(
        knowledge=knowledge or Knowledge(now),
        since=min(window.start, now - hours, api_days_since(now, policy)),
        cost_days_since=window.start,
    )


def evidence_from(material: Material, *, now: datetime, window: Window, policy: Policy) -> Evidence:
    """The evidence, from rows that were read and from counts. Needs the control plane's scope."""
    uptime = _uptime(material, window, now)
    return Evidence(
        judged_at=now,
        window=Span(window.start, window.end),
        uptime=uptime,
        error_rate=_error_rate(material, now, policy),
        incidents=_incidents(material, window, now, uptime),
        api_days=_api_days(material, now, policy),
        costs=_costs(material, window, now),
        triggers=_triggers(material, window, now),
    )


def _uptime(material: Material, window: Window, now: datetime) -> UptimeFacts:
    critical = material.critical
    measured = measure(window, list(material.records(critical, window).values()), now)
    ids = [endpoint.pk for endpoint in critical]
    seen = window_or_none(window.start, min(window.end, now))
    counts = sum(count_observations(seen, endpoint_ids=ids).values(), Counts()) if ids and seen else Counts()
    outages = tuple(
        OutageSummary(
            known.endpoint.name,
            known.facts.likely_s(now),
            known.facts.first_bad_at,
            row=f"outage:{known.row.pk}",
        )
        for known in material.outages
        if known.endpoint.critical and known.facts.confirmed and _touches(known.facts, window)
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
        outage_failures=sum(
            known.failures
            for known in material.outages
            if known.endpoint.critical and _touches(known.facts, window)
        ),
    )


def _touches(outage: OutageFacts, window: Window) -> bool:
    ended = outage.first_good_at is not None and outage.first_good_at <= window.start
    return not ended and outage.first_bad_at < window.end


def _demonstrated(counts: Counts, of_what: str) -> str | None:
    """The sentence on what so many independent checks show, or None without any."""
    bound = lower_bound(checks=counts.total, failures=counts.bad)
    if bound is None:
        return None
    shown = f"at least {format_percent(bound, 3)} % {of_what} at 95 %"
    return f"{counts.total:,} checks, {counts.bad:,} bad: {shown}."


def _error_rate(material: Material, now: datetime, policy: Policy) -> ErrorRateFacts | None:
    if policy.error_rate is None:
        return None
    window = Window.trailing(now, timedelta(hours=policy.error_rate.hours))
    counts = sum(count_observations(window).values(), Counts())
    measured = measure(window, list(material.records(material.critical, window).values()), now)
    return ErrorRateFacts(
        window=Span(window.start, window.end),
        bad=counts.bad,
        total=counts.total,
        coverage=measured.coverage,
        demonstrated=_demonstrated(counts, "good observations"),
        rows=("health_log",),
    )


def _incidents(material: Material, window: Window, now: datetime, uptime: UptimeFacts) -> IncidentFacts:
    found = tuple(
        summary
        for summary in (_incident_as_known(row, then) for row, then in material.incidents)
        if summary.touches(window.start, now + timedelta(microseconds=1))
    )
    return IncidentFacts(
        incidents=found,
        coverage=uptime.coverage,
        samples=uptime.samples,
        rows=tuple(f"incident:{one.id}" for one in found),
    )


def _incident_as_known(row: Incident, known: Known) -> IncidentSummary:
    """The gravest it had been by then: lowering a P1 later does not take it from the gate."""
    title = row.title
    if known.severity is not known.gravest:
        title += f" (re-classified as {known.severity.value})"
    return IncidentSummary(str(row.pk), known.gravest.value, row.opened_at, known.resolved_at, title)


def api_days_since(now: datetime, policy: Policy) -> datetime:
    """The beginning of the first UTC day that is looked at for the streak."""
    return Window.utc_day(now.astimezone(UTC).date() - timedelta(days=_days_back(policy))).start


def _days_back(policy: Policy) -> int:
    """How many UTC days before today are looked at: enough to find a streak with as many paused days."""
    return 2 * (policy.intelligence_api_days.min_days if policy.intelligence_api_days else 0) + 7


def _api_days(material: Material, now: datetime, policy: Policy) -> tuple[ApiDay, ...]:
    """Enough UTC days to find a streak, paused ones and today too, as the five endpoints were probed."""
    back = _days_back(policy)
    endpoints = material.intelligence_api
    ids = [endpoint.pk for endpoint in endpoints]
    today = now.astimezone(UTC).date()
    first = today - timedelta(days=back)
    span = Window(Window.utc_day(first).start, Window.utc_day(today).end)
    midnight = Window.utc_day(today).start
    counts = count_days(Window(span.start, midnight), endpoint_ids=ids)
    so_far = window_or_none(midnight, now)
    if so_far:
        told = count_observations(so_far, endpoint_ids=ids)
        counts |= {(pk, today): count for pk, count in told.items()}
    records = material.records(endpoints, span)
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


def _costs(material: Material, window: Window, now: datetime) -> CostFacts:
    first, today = window.start.astimezone(UTC).date(), now.astimezone(UTC).date()
    entries = material.cost_facts()
    rate = run_rate(entries, now)
    return CostFacts(
        days=daily_totals(entries, min(first, today), today, now),
        run_rate=rate.total if rate else None,
        rows=tuple(f"cost:{day.isoformat()}" for day in sorted({entry.day for entry in entries})),
    )


def _triggers(material: Material, window: Window, now: datetime) -> TriggerFacts:
    """What happened since the window began, also after the end of a burn-in that is reviewed days later."""
    ids = [endpoint.pk for endpoint in material.intelligence_api]
    seen = window_or_none(window.start, now)
    counts = sum(count_observations(seen, endpoint_ids=ids).values(), Counts()) if ids and seen else None
    return TriggerFacts(
        # Heals and real requests are not recorded yet: what nobody counts is unknown, not zero.
        heals=None,
        api_server_errors=None,
        api_failed_probes=counts.bad if counts and counts.total else None,
    )
