"""The three gates that are read from probes: uptime, error rate and P1 incidents.

The judged values are never rounded: uptime is compared as the decimal that its share is written with, the
error rate as an exact fraction.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from monitoring.domain.evidence import (
    ErrorRateFacts,
    Evidence,
    Incident,
    OutageSummary,
    UptimeFacts,
    Window,
    usable_share,
)
from monitoring.domain.figures import (
    clock_text,
    counted,
    duration,
    exact,
    floored,
    percent_of,
    raised,
)
from monitoring.domain.policy import (
    ErrorRateCriterion,
    GateKey,
    IncidentCriterion,
    UptimeCriterion,
    WindowRule,
)
from monitoring.domain.readings import coverage_gap, read, unread, window_gap
from monitoring.domain.verdicts import Reading


def read_uptime(evidence: Evidence, criterion: UptimeCriterion, rule: WindowRule) -> Reading:
    """Platform uptime: within on the likely reading, proven only if the low end of the band is inside too."""
    facts, limit = evidence.uptime, criterion.min_percent
    if facts is None or facts.critical_endpoints <= 0:
        return unread(GateKey.UPTIME, limit, "No critical endpoint is watched.")
    rows = (*facts.rows, *(outage.row for outage in facts.outages if outage.row))
    likely = usable_share(facts.likely)
    if facts.samples <= 0 or likely is None:
        problem = "No critical endpoint was observed in the window, or its uptime is not a number."
        return unread(GateKey.UPTIME, limit, problem, samples=facts.samples, rows=rows)
    coverage = usable_share(facts.coverage)
    inside = percent_of(likely) >= exact(limit)
    low, high = usable_share(facts.low), usable_share(facts.high)
    missing = window_gap(evidence, rule)
    missing += coverage_gap(coverage, criterion.coverage, "the window")
    missing += _band_gap(low, likely, high, limit) if inside else []
    missing += _failures_gap(facts)
    return read(
        GateKey.UPTIME,
        limit=limit,
        value=percent_of(likely),
        low=None if low is None else percent_of(low),
        high=None if high is None else percent_of(high),
        inside=inside,
        violated=not inside,
        explanation=_uptime_sentence(facts, likely, limit, inside=inside),
        missing=missing,
        coverage=coverage,
        samples=facts.samples,
        demonstrated=facts.demonstrated,
        rows=rows,
    )


def _band_gap(low: float | None, likely: float, high: float | None, limit: float) -> list[str]:
    if low is None or high is None or not low <= likely <= high:
        return ["The bounds of the uptime are not known, so it may be lower than it seems."]
    if percent_of(low) < exact(limit):
        worst = floored(percent_of(low), 3)
        return [f"The outages may have been longer than seen: uptime may be as low as {worst} %."]
    return []


def _failures_gap(facts: UptimeFacts) -> list[str]:
    """Every failed probe opens an outage or belongs to one; where one does not, the outages are not whole."""
    stray = facts.failed_probes - (facts.outage_failures or 0)
    if stray <= 0:
        return []
    verb = "belongs" if stray == 1 else "belong"
    return [
        f"{counted(stray, 'failed probe')} {verb} to no recorded outage: the record of outages is not whole."
    ]


def _uptime_sentence(facts: UptimeFacts, likely: float, limit: float, *, inside: bool) -> str:
    side = "at or above" if inside else "below"
    text = f"Uptime is {floored(percent_of(likely), 3)} %{_band_text(facts)},"
    text += f" {side} the limit of {exact(limit)} %,"
    text += f" from {counted(facts.samples, 'probe')} ({facts.failed_probes:,} failed)"
    text += f" of {counted(facts.critical_endpoints, 'critical endpoint')}."
    if facts.outages:
        longest = max(facts.outages, key=_outage_order)
        text += f" {counted(len(facts.outages), 'outage')}; the longest was {longest.endpoint}"
        text += f" for about {duration(longest.likely_s)} from {clock_text(longest.first_bad_at)}."
    elif facts.longest_outage_s:
        text += f" The longest outage took about {duration(facts.longest_outage_s)}."
    return text


def _band_text(facts: UptimeFacts) -> str:
    low, high = usable_share(facts.low), usable_share(facts.high)
    if low is None or high is None or low == high:
        return ""
    return f" ({floored(percent_of(low), 3)} to {floored(percent_of(high), 3)} %)"


def _outage_order(outage: OutageSummary) -> tuple[float, float, str]:
    known = math.isfinite(outage.likely_s)
    return (outage.likely_s if known else math.inf), -outage.first_bad_at.timestamp(), outage.endpoint


def read_error_rate(evidence: Evidence, criterion: ErrorRateCriterion, rule: WindowRule) -> Reading:
    """Bad observations among all of the past hours, compared as an exact fraction."""
    facts, limit = evidence.error_rate, criterion.max_percent
    if facts is None:
        return unread(GateKey.ERROR_RATE, limit, "Nothing was observed.")
    if facts.total <= 0 or not 0 <= facts.bad <= facts.total:
        problem = f"{facts.bad} bad of {facts.total} observations is not a rate."
        problem = "Nothing was observed." if facts.bad == facts.total == 0 else problem
        return unread(GateKey.ERROR_RATE, limit, problem, samples=facts.total, rows=facts.rows)
    rate = Fraction(100 * facts.bad, facts.total)
    inside = rate <= Fraction(exact(limit))
    side = "at or below" if inside else "above"
    shown = raised(Decimal(rate.numerator) / Decimal(rate.denominator), 3)
    coverage = usable_share(facts.coverage)
    missing = _hours_gap(facts.window, evidence.judged_at, criterion.hours, rule.max_lag_s)
    missing += coverage_gap(coverage, criterion.coverage, f"the past {criterion.hours} h")
    missing += _observations_gap(facts, criterion)
    return read(
        GateKey.ERROR_RATE,
        limit=limit,
        value=float(rate),
        inside=inside,
        violated=not inside,
        explanation=f"{facts.bad:,} of {counted(facts.total, 'observation')} were bad: {shown} %,"
        f" {side} the limit of {exact(limit)} %.",
        missing=missing,
        coverage=coverage,
        samples=facts.total,
        demonstrated=facts.demonstrated,
        rows=facts.rows,
    )


def _observations_gap(facts: ErrorRateFacts, criterion: ErrorRateCriterion) -> list[str]:
    short = criterion.min_observations - facts.total
    if short <= 0:
        return []
    return [f"{counted(short, 'observation')} more needed, {criterion.min_observations:,} in all."]


def _hours_gap(window: Window, judged_at: datetime, hours: int, max_lag_s: int) -> list[str]:
    lag = (judged_at - window.end).total_seconds()
    if not 0 <= lag <= max_lag_s:
        return [f"The observations end on {clock_text(window.end)}, not at the judged moment."]
    if window.length != timedelta(hours=hours):
        held = duration(max(window.length.total_seconds(), 0))
        return [f"The observations span {held} instead of {hours} h."]
    return []


def read_p1_incidents(evidence: Evidence, criterion: IncidentCriterion, rule: WindowRule) -> Reading:
    """P1 incidents that touch the window; none means something only where the window was monitored."""
    facts, limit, window = evidence.incidents, criterion.max_count, evidence.window
    if facts is None:
        return unread(GateKey.P1_INCIDENTS, limit, "Incidents were not looked at.")
    # A window that is still running is read up to now, so that a replay does not see what came later.
    end = min(window.end, evidence.judged_at + timedelta(microseconds=1))
    found = [one for one in facts.incidents if one.is_p1 and one.touches(window.start, end)]
    rows = (*facts.rows, *(f"incident:{one.id}" for one in found))
    coverage = usable_share(facts.coverage)
    violated = len(found) > limit
    monitored = bool(coverage) and facts.samples > 0
    if not monitored and not violated:
        problem = "Nothing was monitored in the window, so no incident could have been noticed."
        return unread(GateKey.P1_INCIDENTS, limit, problem, samples=facts.samples, rows=rows)
    missing = window_gap(evidence, rule)
    missing += coverage_gap(coverage, criterion.coverage, "the window")
    return read(
        GateKey.P1_INCIDENTS,
        limit=limit,
        value=len(found),
        inside=not violated,
        violated=violated,
        explanation=incidents_sentence(found, "in the window"),
        missing=missing,
        coverage=coverage,
        samples=facts.samples,
        rows=rows,
    )


def incidents_sentence(found: Iterable[Incident], when: str) -> str:
    """How many P1 incidents there were `when`, and the first of them by name."""
    ordered = sorted(found, key=_incident_order)
    if not ordered:
        return f"No P1 incident {when}."
    first = ordered[0]
    end = "still open" if first.resolved_at is None else f"resolved {clock_text(first.resolved_at)}"
    lead = "It is" if len(ordered) == 1 else "The first is"
    text = f"{counted(len(ordered), 'P1 incident')} {when}."
    return f"{text} {lead} {first.id}, {first.title}: opened {clock_text(first.opened_at)}, {end}."


def _incident_order(incident: Incident) -> tuple[datetime, str, str, str]:
    """An order without ties, so that the sentence is the same however the incidents came."""
    end = "" if incident.resolved_at is None else clock_text(incident.resolved_at)
    return incident.opened_at, incident.id, incident.title, end
