"""How a reading is made: one list decides, and whatever is in `missing` keeps a gate from being proven."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from monitoring.domain.evidence import Evidence
from monitoring.domain.figures import clock_text, counted, coverage_text, duration, percent_of
from monitoring.domain.policy import GateKey, WindowKind, WindowRule
from monitoring.domain.verdicts import Reading, Standing

UNITS = {
    GateKey.UPTIME: "%",
    GateKey.ERROR_RATE: "%",
    GateKey.P1_INCIDENTS: "incidents",
    GateKey.INTELLIGENCE_API_DAYS: "days",
    GateKey.DAILY_COST: "USD",
}


def read(
    key: GateKey,
    *,
    limit: Decimal | float | None,
    value: Decimal | float | None,
    inside: bool,
    violated: bool,
    explanation: str,
    missing: Iterable[str],
    coverage: float | None,
    samples: int,
    low: Decimal | float | None = None,
    high: Decimal | float | None = None,
    demonstrated: str | None = None,
    rows: Iterable[str] = (),
) -> Reading:
    """Make a reading whose standing follows from `inside`, `violated` and what is missing.

    `inside`: something was observed, and it is inside the limit. `violated`: something was observed that is
    outside. Neither: what would decide is not there. Without a band the value is its own band.
    """
    lacking = tuple(missing)
    proven = inside and not lacking
    standing = Standing.PASS if proven else Standing.ON_TRACK if inside else Standing.NO_DATA
    if violated:
        standing = Standing.FAIL
    return Reading(
        key=key,
        value=_number(value),
        low=_number(value if low is None else low),
        high=_number(value if high is None else high),
        limit=_number(limit),
        unit=UNITS[key],
        within=inside,
        proven=proven,
        standing=standing,
        coverage=coverage,
        samples=max(samples, 0),
        demonstrated=demonstrated,
        explanation=" ".join((explanation, *lacking)) if lacking else explanation,
        missing=lacking,
        rows=tuple(sorted(set(rows))),
    )


def _number(value: Decimal | float | None) -> float | None:
    return None if value is None else float(value)


def unread(
    key: GateKey, limit: Decimal | float | None, problem: str, *, samples: int = 0, rows: Iterable[str] = ()
) -> Reading:
    """A gate without a value: NO DATA, and why."""
    return read(
        key,
        limit=limit,
        value=None,
        inside=False,
        violated=False,
        explanation="Not known.",
        missing=(problem,),
        coverage=None,
        samples=samples,
        rows=rows,
    )


def window_gap(evidence: Evidence, rule: WindowRule) -> list[str]:
    """What keeps the window from being the one that the policy asks for; nothing when it is.

    A burn-in's own window may be longer (it was extended) and may have ended days before the review. A
    trailing window has exactly the policy's length, since a longer one would dilute an outage, and ends at
    the judged moment.
    """
    window, wanted = evidence.window, timedelta(days=rule.days)
    trailing = rule.kind is WindowKind.TRAILING
    gaps = []
    if window.end > evidence.judged_at:
        left = duration((window.end - evidence.judged_at).total_seconds())
        gaps.append(f"The window ends only on {clock_text(window.end)}, in {left}.")
    elif trailing and evidence.judged_at - window.end > timedelta(seconds=rule.max_lag_s):
        gaps.append(f"The window ended on {clock_text(window.end)}, which is not the judged moment.")
    if window.length < wanted or (trailing and window.length > wanted):
        held = duration(max(window.length.total_seconds(), 0))
        gaps.append(f"The window holds {held} instead of {counted(rule.days, 'day')}.")
    return gaps


def coverage_gap(coverage: float | None, needed: float, of_what: str) -> list[str]:
    """What is missing from the observed share of the time; nothing when there is enough."""
    if coverage is None:
        return [f"How much of {of_what} was observed is not known; {percent(needed)} % is needed."]
    if coverage < needed:
        short = percent(needed)
        return [f"Only {coverage_text(coverage)} of {of_what} was observed; {short} % is needed."]
    return []


def percent(share: float) -> str:
    """A share from the policy in percent, as it was written there: 0.999 is 99.9."""
    return f"{percent_of(share).normalize():f}"
