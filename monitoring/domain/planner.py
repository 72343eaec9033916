"""Before a burn-in: what its probe intervals can and cannot demonstrate.

A probe demonstrates only that the endpoint answered at that instant. n good ones in a row demonstrate, at 95 %,
an availability of 0.05 ** (1 / n) (Clopper-Pearson for no failures): 672 of them 99.555 %. Outages with bounds
say more, and are what the uptime gate reads; the planner shows both, and where they differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from monitoring.domain.confidence import lower_bound, probes_needed
from monitoring.domain.figures import exact
from monitoring.domain.observing import HOLD_INTERVALS
from monitoring.domain.policy import Policy

_DAY = timedelta(days=1)
PLATFORM = "the platform"


class UnableToPlan(ValueError):
    """A plan cannot be made of what was given; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class PlannedEndpoint:
    """An endpoint as it will be probed: `interval_s` between two that count, `cadence_s` with its pulse."""

    name: str
    interval_s: float
    cadence_s: float
    confirm_s: float = 5.0
    critical: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.cadence_s <= self.interval_s:
            raise UnableToPlan(f"{self.name}: the interval must be above 0 and not below the pulse.")


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What good probes of one endpoint (or of all critical ones) demonstrate over the window.

    Shares are from 0 to 1; `interval_needed_s` is the longest interval with which one endpoint's probes alone
    would demonstrate the objective in the window; `days_needed` how long it takes at the planned cadence.
    """

    name: str
    probes: int
    demonstrated: float | None
    objective: float
    probes_needed: int
    interval_needed_s: float
    days_needed: float
    failures_allowed: int

    @property
    def enough(self) -> bool:
        """Whether the probes alone can demonstrate the objective."""
        return self.probes >= self.probes_needed


@dataclass(frozen=True, slots=True)
class Detection:
    """What one endpoint's probing sees of outages, in seconds.

    An outage as long as `surely_seen_s` always meets a probe; its length is then known to within
    `length_error_s`; silence longer than `hold_s` is unobserved time.
    """

    name: str
    surely_seen_s: float
    length_error_s: float
    hold_s: float


@dataclass(frozen=True, slots=True)
class Milestone:
    """When a gate can be proven at the earliest, if all goes well from the start."""

    gate: str
    at: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class BurnInOutlook:
    """The plan: what can be demonstrated, what is seen, how much may fail, and when each gate can be proven."""

    window_days: int
    endpoints: tuple[Demonstration, ...]
    platform: Demonstration | None
    detections: tuple[Detection, ...]
    downtime_allowed_s: float
    silence_allowed_s: float
    observations_a_day: int
    milestones: tuple[Milestone, ...]
    warnings: tuple[str, ...]


def plan_burn_in(
    endpoints: Sequence[PlannedEndpoint], policy: Policy, *, starts_at: datetime, review_at: datetime
) -> BurnInOutlook:
    """Work out what a burn-in of these endpoints, judged by `policy`, can show.

    Raises:
        UnableToPlan: when the policy has no criterion for uptime or error rate, or asks for 0 or 100 % uptime.
    """
    if policy.uptime is None or policy.error_rate is None or policy.intelligence_api_days is None:
        raise UnableToPlan("The policy lacks a gate, so nothing can become GO; import a whole one first.")
    objective = float(exact(policy.uptime.min_percent) / 100)
    if not 0 < objective < 1:
        raise UnableToPlan(
            f"No number of probes demonstrates {policy.uptime.min_percent:g} %; ask for less than 100."
        )
    window = timedelta(days=policy.window.days)
    critical = [endpoint for endpoint in endpoints if endpoint.critical]
    shown = tuple(_demonstration(one.name, [one], objective, window) for one in endpoints)
    a_day = sum(int(_DAY.total_seconds() / one.cadence_s) for one in endpoints)
    return BurnInOutlook(
        window_days=policy.window.days,
        endpoints=shown,
        platform=_demonstration(PLATFORM, critical, objective, window) if critical else None,
        detections=tuple(_detection(one) for one in endpoints),
        downtime_allowed_s=round((1 - objective) * window.total_seconds(), 3),
        silence_allowed_s=round((1 - policy.uptime.coverage) * window.total_seconds(), 3),
        observations_a_day=a_day,
        milestones=_milestones(policy, starts_at, a_day),
        warnings=tuple(_warnings(critical, shown, policy, starts_at, review_at, a_day)),
    )


def _demonstration(
    name: str, endpoints: Sequence[PlannedEndpoint], objective: float, window: timedelta
) -> Demonstration:
    seconds = window.total_seconds()
    probes = sum(int(seconds / one.cadence_s) for one in endpoints)
    needed = probes_needed(objective)
    per_day = sum(_DAY.total_seconds() / one.cadence_s for one in endpoints)
    return Demonstration(
        name=name,
        probes=probes,
        demonstrated=lower_bound(checks=probes),
        objective=objective,
        probes_needed=needed,
        interval_needed_s=seconds / needed,
        days_needed=needed / per_day,
        failures_allowed=_failures_allowed(probes, objective),
    )


def _failures_allowed(probes: int, objective: float) -> int:
    """How many probes may fail and the rest still demonstrate the objective; -1: not even none may."""
    allowed = -1
    while allowed < 1000 and probes_needed(objective, failures=allowed + 1) <= probes:
        allowed += 1
    return allowed


def _detection(endpoint: PlannedEndpoint) -> Detection:
    return Detection(
        name=endpoint.name,
        surely_seen_s=endpoint.cadence_s,
        length_error_s=(endpoint.cadence_s + min(endpoint.confirm_s, endpoint.cadence_s)) / 2,
        hold_s=HOLD_INTERVALS * endpoint.interval_s,
    )


def _milestones(policy: Policy, starts_at: datetime, a_day: int) -> tuple[Milestone, ...]:
    uptime, errors, api = policy.uptime, policy.error_rate, policy.intelligence_api_days
    assert uptime is not None  # plan_burn_in looked
    assert errors is not None
    assert api is not None
    window = timedelta(days=policy.window.days)
    covered = starts_at + window * uptime.coverage
    filled = starts_at + timedelta(hours=errors.hours) * errors.coverage
    first_day = starts_at.astimezone(UTC).date() + (
        _DAY if starts_at.astimezone(UTC).time() != time() else timedelta(0)
    )
    served = datetime.combine(first_day + timedelta(days=api.min_days), time(), tzinfo=UTC)
    enough = a_day * errors.hours / 24 >= errors.min_observations
    return (
        Milestone(
            "uptime", covered, f"{100 * uptime.coverage:g} % of {policy.window.days} days must be observed."
        ),
        Milestone(
            "error_rate",
            filled if enough else None,
            f"{errors.min_observations:,} observations in {errors.hours} h are needed;"
            f" {a_day * errors.hours // 24:,} will come.",
        ),
        Milestone("p1_incidents", covered, "The window must have been monitored, as for uptime."),
        Milestone(
            "intelligence_api_days",
            served,
            f"{api.min_days} whole UTC days; the first one that counts is {first_day.isoformat()}.",
        ),
        Milestone("daily_cost", covered, "Every completed day of the window needs a cost entry."),
    )


def _warnings(
    critical: Sequence[PlannedEndpoint],
    shown: Sequence[Demonstration],
    policy: Policy,
    starts_at: datetime,
    review_at: datetime,
    a_day: int,
) -> list[str]:
    told = []
    if not critical:
        told.append("No endpoint is critical, so uptime cannot be proven: manage.py watch URL --critical")
    for one in shown:
        if not one.enough and one.demonstrated is not None:
            told.append(
                f"{one.name}: {one.probes:,} clean probes demonstrate {_percent(one.demonstrated)} %;"
                f" {_percent(one.objective)} % needs {one.probes_needed:,}, one every {one.interval_needed_s:.0f} s."
            )
    late = [one for one in _milestones(policy, starts_at, a_day) if one.at is None or one.at > review_at]
    told += [f"{one.gate} cannot be proven by the review: {one.why}" for one in late]
    return told


def _percent(share: float) -> str:
    return f"{int(share * 100_000) / 1000:.3f}".rstrip("0").rstrip(".")
