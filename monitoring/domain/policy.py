"""The policy: every threshold of the five gates and the NO-GO triggers, as data.

A policy is versioned and frozen into each verdict. Reading one is strict, because a gate that goes missing or
a limit that is not a number would otherwise be a gate that nobody has to pass.
"""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from monitoring.domain.policy_fields import (
    Section,
    UnableToReadPolicy,
    dollars,
    entries,
    names,
    number_field,
    whole_field,
)


class GateKey(StrEnum):
    """The five gates, in the order in which they are shown."""

    UPTIME = "uptime"
    ERROR_RATE = "error_rate"
    P1_INCIDENTS = "p1_incidents"
    INTELLIGENCE_API_DAYS = "intelligence_api_days"
    DAILY_COST = "daily_cost"


class TriggerKey(StrEnum):
    """What makes a NO-GO by itself, apart from the gates."""

    P1_INCIDENT = "p1_incident"
    REPEATED_HEAL = "repeated_heal"
    COST_SPIKE = "cost_spike"
    API_ERRORS = "api_errors"


class WindowKind(StrEnum):
    """Which window decides: the days before the judged moment, or the burn-in's own."""

    TRAILING = "trailing"
    BURN_IN = "burn_in"


def _window_kind(value: object) -> WindowKind:
    try:
        return WindowKind(value)  # type: ignore[arg-type]  # whatever was written; an unknown word is the error
    except ValueError:
        raise ValueError(f"one of {', '.join(WindowKind)}") from None


@dataclass(frozen=True, slots=True)
class WindowRule(Section):
    """The window that decides. `max_lag_s`: how long before the judged moment a trailing window may end."""

    path = "window"
    kind: WindowKind = field(default=WindowKind.TRAILING, metadata={"check": _window_kind})
    days: int = field(default=7, metadata=whole_field(1, 366))
    max_lag_s: int = field(default=300, metadata=whole_field(0, 86_400))


@dataclass(frozen=True, slots=True)
class UptimeCriterion(Section):
    """Least platform uptime in percent, and the share of the window that must have been observed."""

    path = "gates.uptime"
    min_percent: float = field(default=99.98, metadata=number_field(0, 100))
    coverage: float = field(default=0.999, metadata=number_field(0, 1, above=True))


@dataclass(frozen=True, slots=True)
class ErrorRateCriterion(Section):
    """Greatest error rate in percent over the past `hours`, and the evidence it needs.

    598 observations without one error are the fewest that demonstrate at most 0.5 % at 95 % confidence
    (0.995 ** 598 < 0.05, the Clopper-Pearson bound for no failures).
    """

    path = "gates.error_rate"
    max_percent: float = field(default=0.5, metadata=number_field(0, 100))
    hours: int = field(default=24, metadata=whole_field(1, 366 * 24))
    coverage: float = field(default=0.99, metadata=number_field(0, 1, above=True))
    min_observations: int = field(default=598, metadata=whole_field(1))


@dataclass(frozen=True, slots=True)
class IncidentCriterion(Section):
    """Greatest number of P1 incidents that touch the window, and the share of it that was monitored."""

    path = "gates.p1_incidents"
    max_count: int = field(default=0, metadata=whole_field(0))
    coverage: float = field(default=0.999, metadata=number_field(0, 1, above=True))


@dataclass(frozen=True, slots=True)
class ApiDaysCriterion(Section):
    """Fewest consecutive UTC days on which every one of `endpoints` was served, and what serving means."""

    path = "gates.intelligence_api_days"
    min_days: int = field(default=7, metadata=whole_field(1, 366))
    share_ok: float = field(default=0.995, metadata=number_field(0, 1, above=True))
    coverage: float = field(default=0.95, metadata=number_field(0, 1, above=True))
    endpoints: tuple[str, ...] = field(
        default=(
            "/api/intelligence/status",
            "/api/intelligence/anomalies",
            "/api/intelligence/recommendations",
            "/api/intelligence/forecasts",
            "/api/intelligence/health",
        ),
        metadata={"check": names},
    )


@dataclass(frozen=True, slots=True)
class CostCriterion(Section):
    """Greatest cost of one UTC day in US dollars."""

    path = "gates.daily_cost"
    max_usd: Decimal = field(default=Decimal("10.00"), metadata={"check": dollars})


@dataclass(frozen=True, slots=True)
class TriggerRule(Section):
    """From how many on (the cost: above how much) each trigger fires; heals count over `heal_days`."""

    path = "triggers"
    p1_incidents: int = field(default=1, metadata=whole_field(1))
    heals_per_subsystem: int = field(default=2, metadata=whole_field(1))
    heal_days: int = field(default=7, metadata=whole_field(1, 366))
    above_usd_per_day: Decimal = field(default=Decimal("10.00"), metadata={"check": dollars})
    api_server_errors: int = field(default=1, metadata=whole_field(1))
    api_failed_probes: int = field(default=1, metadata=whole_field(1))


_CRITERIA: dict[GateKey, type[Section]] = {
    GateKey.UPTIME: UptimeCriterion,
    GateKey.ERROR_RATE: ErrorRateCriterion,
    GateKey.P1_INCIDENTS: IncidentCriterion,
    GateKey.INTELLIGENCE_API_DAYS: ApiDaysCriterion,
    GateKey.DAILY_COST: CostCriterion,
}
_LIMIT_FIELDS = {
    GateKey.UPTIME: "min_percent",
    GateKey.ERROR_RATE: "max_percent",
    GateKey.P1_INCIDENTS: "max_count",
    GateKey.INTELLIGENCE_API_DAYS: "min_days",
    GateKey.DAILY_COST: "max_usd",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """All thresholds together. A criterion that is None is a gate that was taken away: nobody can pass it."""

    version: int = 1
    window: WindowRule = field(default_factory=WindowRule)
    uptime: UptimeCriterion | None = field(default_factory=UptimeCriterion)
    error_rate: ErrorRateCriterion | None = field(default_factory=ErrorRateCriterion)
    p1_incidents: IncidentCriterion | None = field(default_factory=IncidentCriterion)
    intelligence_api_days: ApiDaysCriterion | None = field(default_factory=ApiDaysCriterion)
    daily_cost: CostCriterion | None = field(default_factory=CostCriterion)
    triggers: TriggerRule | None = field(default_factory=TriggerRule)

    def __post_init__(self) -> None:
        if not isinstance(self.version, int) or isinstance(self.version, bool) or self.version < 1:
            raise UnableToReadPolicy(f"version must be a whole number, at least 1, not {self.version!r}.")

    def with_limit(self, key: GateKey, limit: Decimal | float | str) -> "Policy":
        """The same policy with another limit for one gate, for "what if"; the units are those of the gate.

        Raises `UnableToReadPolicy` when the limit cannot be one, or the policy has no such gate.
        """
        criterion: Section | None = getattr(self, key.value)
        if criterion is None:
            raise UnableToReadPolicy(f"gates.{key} is missing, so it has no limit to change.")
        name = _LIMIT_FIELDS[key]
        value: object = limit
        if isinstance(limit, str) and key is not GateKey.DAILY_COST:
            value = _read_number(limit)
        changed: dict[str, Any] = {key.value: replace(criterion, **{name: value})}
        return replace(self, **changed)

    def to_dict(self) -> dict[str, Any]:
        """The policy as plain values, ready for JSON or YAML; a gate that was taken away is left out."""
        written: dict[str, Any] = {"version": self.version, "window": self.window.to_dict(), "gates": {}}
        for key in GateKey:
            criterion: Section | None = getattr(self, key.value)
            if criterion is not None:
                written["gates"][key.value] = criterion.to_dict()
        if self.triggers is not None:
            written["triggers"] = self.triggers.to_dict()
        return written

    @classmethod
    def from_dict(cls, written: object) -> "Policy":
        """Read what `to_dict` wrote.

        Raises `UnableToReadPolicy`, naming the entry, for an unknown or missing one, a missing gate, a value
        of the wrong type, NaN or a value out of range. Nothing is filled in: a policy that is frozen into a
        verdict is whole.
        """
        top = entries("policy", written, ("version", "window", "gates", "triggers"))
        gates = entries("gates", top["gates"], tuple(key.value for key in GateKey))
        criteria: dict[str, Any] = {key.value: _CRITERIA[key].from_dict(gates[key.value]) for key in GateKey}
        return cls(
            version=top["version"],
            window=WindowRule.from_dict(top["window"]),
            triggers=TriggerRule.from_dict(top["triggers"]),
            **criteria,
        )


def _read_number(text: str) -> float | int | str:
    """A number as a person types it; what is not a number is passed on, for the field to name it."""
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
