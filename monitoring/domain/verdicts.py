"""What the judge answers: a reading per gate, the triggers, and the verdict over them.

The rules that must never be broken are checked where the values are made: a reading cannot be proven without
being within, and a verdict cannot be GO unless all five gates are proven and every trigger was looked at and
is quiet.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from monitoring.domain.evidence import Window
from monitoring.domain.figures import iso_z
from monitoring.domain.policy import GateKey, TriggerKey


class Standing(StrEnum):
    """Where a gate stands.

    PASS: proven. ON TRACK: within, not yet proven. FAIL: something observed is outside the limit. NO DATA:
    what would decide has not been observed.
    """

    PASS = "PASS"
    ON_TRACK = "ON TRACK"
    FAIL = "FAIL"
    NO_DATA = "NO DATA"


class Decision(StrEnum):
    """May it go live?"""

    GO = "GO"
    NO_GO = "NO-GO"


class ExitCode(IntEnum):
    """What `go_nogo` tells the shell."""

    GO = 0
    NO_GO = 1
    LACK_OF_EVIDENCE = 2
    COULD_NOT_JUDGE = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """One gate, read.

    `value`, `low`, `high` and `limit` are in `unit` and unrounded; None where unknown. `missing` says, in
    sentences, all that stands between being within and being proven; `rows` are references to what the
    reading rests on.
    """

    key: GateKey
    value: float | None
    low: float | None
    high: float | None
    limit: float | None
    unit: str
    within: bool
    proven: bool
    standing: Standing
    coverage: float | None
    samples: int
    demonstrated: str | None
    explanation: str
    missing: tuple[str, ...]
    rows: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in ("value", "low", "high", "limit", "coverage"):
            number: float | None = getattr(self, name)
            if number is not None and not math.isfinite(number):
                raise ValueError(f"The {name} of {self.key} is {number}, which is not a reading.")
        shown = {Standing.PASS: (True, True), Standing.ON_TRACK: (True, False)}
        if (self.within, self.proven) != shown.get(self.standing, (False, False)):
            raise ValueError(
                f"{self.key} cannot stand at {self.standing} when within={self.within}, proven={self.proven}."
            )
        if self.proven and self.missing:
            raise ValueError(f"{self.key} cannot be proven while evidence is missing: {self.missing[0]}")

    def to_json_dict(self) -> dict[str, Any]:
        """The reading as `go_nogo --format json` prints it."""
        return {
            "key": self.key.value,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "limit": self.limit,
            "unit": self.unit,
            "standing": self.standing.value,
            "within": self.within,
            "proven": self.proven,
            "coverage": self.coverage,
            "samples": self.samples,
            "explanation": self.explanation,
        }


@dataclass(frozen=True, slots=True)
class Trigger:
    """One NO-GO trigger. `observed` is False when its facts were not there: then its quiet means nothing."""

    key: TriggerKey
    fired: bool
    explanation: str
    observed: bool = True

    def to_json_dict(self) -> dict[str, Any]:
        """The trigger as `go_nogo --format json` prints it."""
        return {"key": self.key.value, "fired": self.fired, "explanation": self.explanation}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision at one moment. `within` and `proven` count gates; `reasons` is empty for GO and only then.

    `conclusive` is False when nothing observed speaks against going, and only evidence is missing.
    """

    judged_at: datetime
    window: Window
    decision: Decision
    conclusive: bool
    within: int
    proven: int
    gates: tuple[Reading, ...]
    triggers: tuple[Trigger, ...]
    reasons: tuple[str, ...]
    policy_version: int

    def __post_init__(self) -> None:
        if self.decision is Decision.GO and not may_go(self.gates, self.triggers):
            raise ValueError(
                "A verdict cannot be GO unless all five gates are proven and all triggers are quiet."
            )

    def to_json_dict(self) -> dict[str, Any]:
        """The verdict as `go_nogo --format json` prints it; the `hash` is added by whoever stores it."""
        return {
            "at": iso_z(self.judged_at),
            "window": {"start": iso_z(self.window.start), "end": iso_z(self.window.end)},
            "decision": self.decision.value,
            "conclusive": self.conclusive,
            "within": self.within,
            "proven": self.proven,
            "gates": [reading.to_json_dict() for reading in self.gates],
            "triggers": [trigger.to_json_dict() for trigger in self.triggers],
            "policy_version": self.policy_version,
        }

    def to_record_dict(self) -> dict[str, Any]:
        """The same with what is kept but not printed: reasons, missing evidence, rows, demonstration."""
        record = self.to_json_dict()
        record["reasons"] = list(self.reasons)
        for written, reading in zip(record["gates"], self.gates, strict=True):
            written["demonstrated"] = reading.demonstrated
            written["missing"] = list(reading.missing)
            written["rows"] = list(reading.rows)
        for written, trigger in zip(record["triggers"], self.triggers, strict=True):
            written["observed"] = trigger.observed
        return record


def may_go(gates: tuple[Reading, ...], triggers: tuple[Trigger, ...]) -> bool:
    """Whether each of the five gates is there once and proven, and each trigger once, observed and quiet."""
    return (
        sorted(reading.key for reading in gates) == sorted(GateKey)
        and all(reading.proven for reading in gates)
        and sorted(trigger.key for trigger in triggers) == sorted(TriggerKey)
        and all(trigger.observed and not trigger.fired for trigger in triggers)
    )


def exit_code(verdict: Verdict | None) -> ExitCode:
    """The exit code of `go_nogo`; None stands for a verdict that could not be reached."""
    if verdict is None:
        return ExitCode.COULD_NOT_JUDGE
    if verdict.decision is Decision.GO:
        return ExitCode.GO
    return ExitCode.NO_GO if verdict.conclusive else ExitCode.LACK_OF_EVIDENCE
