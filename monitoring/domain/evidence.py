"""What the judge is given: the facts per gate, as they were measured.

None, an empty tuple and a missing day all mean "not observed". Nothing here decides anything, and nothing
here has a default that would be good news.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from monitoring.domain.costs import CostDay
from monitoring.domain.figures import GREATEST_AMOUNT


class UnableToJudge(ValueError):
    """The evidence is not of a form that can be judged at all, such as a time without a time zone."""


def _require_zone(name: str, at: datetime | None) -> None:
    if at is not None and at.utcoffset() is None:
        raise UnableToJudge(f"{name} is {at.isoformat()} without a time zone; give it in UTC.")


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time `[start, end)`."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        _require_zone("The start of the window", self.start)
        _require_zone("The end of the window", self.end)

    @property
    def length(self) -> timedelta:
        """The time from start to end; negative when they are the wrong way round."""
        return self.end - self.start

    def days(self) -> tuple[date, ...]:
        """The UTC days that the window touches; none when it is empty."""
        if self.end <= self.start:
            return ()
        first = self.start.astimezone(UTC).date()
        last = (self.end.astimezone(UTC) - timedelta(microseconds=1)).date()
        return tuple(first + timedelta(days=step) for step in range((last - first).days + 1))


@dataclass(frozen=True, slots=True)
class OutageSummary:
    """One outage of one critical endpoint. `row` refers to where it is stored."""

    endpoint: str
    likely_s: float
    first_bad_at: datetime
    row: str = ""

    def __post_init__(self) -> None:
        _require_zone(f"The first bad probe of {self.endpoint}", self.first_bad_at)


@dataclass(frozen=True, slots=True)
class UptimeFacts:
    """Platform uptime over the window: the band as shares (0 to 1), what it rests on, and the outages in it.

    `demonstrated` is the sentence on what the probes demonstrate at 95 %; it is passed through to the
    reading. `outage_failures` are the failed probes that the recorded outages (blips too) account for: when
    more failed, somebody deleted outages.
    """

    critical_endpoints: int
    samples: int
    failed_probes: int
    low: float | None
    likely: float | None
    high: float | None
    coverage: float | None
    longest_outage_s: float | None = None
    outages: tuple[OutageSummary, ...] = ()
    demonstrated: str | None = None
    rows: tuple[str, ...] = ()
    outage_failures: int | None = None


@dataclass(frozen=True, slots=True)
class ErrorRateFacts:
    """Bad and all observations over `window`, the past hours that the policy names."""

    window: Window
    bad: int
    total: int
    coverage: float | None
    demonstrated: str | None = None
    rows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident. Any severity but P2, P3 and P4 counts as P1: what is not classified is not harmless."""

    id: str
    severity: str
    opened_at: datetime
    resolved_at: datetime | None
    title: str

    def __post_init__(self) -> None:
        _require_zone(f"The opening of incident {self.id}", self.opened_at)
        _require_zone(f"The resolution of incident {self.id}", self.resolved_at)

    @property
    def is_p1(self) -> bool:
        """Whether this counts as P1."""
        return self.severity not in ("P2", "P3", "P4")

    def touches(self, start: datetime, end: datetime) -> bool:
        """Whether a moment of it lies in `[start, end)`; one resolved before it opened counts as open."""
        if self.opened_at >= end:
            return False
        return self.resolved_at is None or self.resolved_at < self.opened_at or self.resolved_at >= start


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """All incidents from the start of the window to the judged moment, and how well the window was monitored.

    `samples` counts the probes behind `coverage` (the share of the window in which anything was watched).
    """

    incidents: tuple[Incident, ...]
    coverage: float | None
    samples: int
    rows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EndpointDay:
    """The share (0 to 1) of one UTC day's probes of one endpoint that were ok."""

    endpoint: str
    share_ok: float | None


@dataclass(frozen=True, slots=True)
class ApiDay:
    """The intelligence API on one UTC day; `coverage` is that of its least watched endpoint.

    `alert_firing` is None when alerts were not looked at: it might have to be paused, so it cannot count.
    """

    day: date
    completed: bool
    endpoints: tuple[EndpointDay, ...]
    coverage: float | None
    alert_firing: bool | None
    row: str = ""


@dataclass(frozen=True, slots=True)
class CostFacts:
    """The cost of each UTC day of the window and of today, and what today will have cost at this rate."""

    days: tuple[CostDay, ...]
    run_rate: Decimal | None
    rows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HealCount:
    """Self-heal actions on one subsystem over the days that the policy names."""

    subsystem: str
    actions: int


@dataclass(frozen=True, slots=True)
class TriggerFacts:
    """What only the triggers look at; None means that it could not be counted, which is not zero.

    `api_server_errors` are 5xx answers of the intelligence API to real requests, `api_failed_probes` its
    failed probes.
    """

    heals: tuple[HealCount, ...] | None
    api_server_errors: int | None
    api_failed_probes: int | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that one verdict rests on; a gate whose facts are None was not observed at all."""

    judged_at: datetime
    window: Window
    uptime: UptimeFacts | None = None
    error_rate: ErrorRateFacts | None = None
    incidents: IncidentFacts | None = None
    api_days: tuple[ApiDay, ...] | None = None
    costs: CostFacts | None = None
    triggers: TriggerFacts | None = None

    def __post_init__(self) -> None:
        _require_zone("The judged moment", self.judged_at)


def usable_share(share: float | None) -> float | None:
    """The share if it is a number from 0 to 1, otherwise None: NaN and infinity are not evidence."""
    return share if share is not None and math.isfinite(share) and 0 <= share <= 1 else None


def usable_amount(amount: Decimal | None) -> Decimal | None:
    """The amount if it is a finite number that is at least 0, otherwise None; an absurd one is capped."""
    if amount is None or not amount.is_finite() or amount < 0:
        return None
    return min(amount, GREATEST_AMOUNT)
