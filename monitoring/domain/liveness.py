"""What the parts of the portal last said of themselves, and what that makes of the whole."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# Beat writes its heartbeat with every tick and a worker every few seconds: this long means silence.
SILENT_AFTER_S = 30.0


class PartState(StrEnum):
    """How one part stands."""

    OK = "ok"
    NO_ANSWER = "no answer"
    SILENT = "silent"
    NEVER_SEEN = "never seen"
    UNKNOWN = "unknown"
    NOT_ISOLATED = "not isolated"


class PortalState(StrEnum):
    """How the portal stands: degraded = it answers but does not measure; down = it cannot answer."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Parts:
    """The four parts the portal needs to do its job."""

    database: PartState
    broker: PartState
    beat: PartState
    worker: PartState

    @property
    def state(self) -> PortalState:
        """What the parts make of the whole."""
        if self.database is not PartState.OK:
            return PortalState.DOWN
        others = (self.broker, self.beat, self.worker)
        return PortalState.OK if set(others) == {PartState.OK} else PortalState.DEGRADED

    def explain(self) -> str:
        """One sentence naming each part that is not well; empty when all are."""
        named = {"database": self.database, "broker": self.broker, "beat": self.beat, "worker": self.worker}
        faults = [f"{name}: {state.value}" for name, state in named.items() if state is not PartState.OK]
        return f"Not well: {'; '.join(faults)}." if faults else ""


def heard(age_s: float | None) -> PartState:
    """How a part stands that last spoke `age_s` seconds ago; None = it never did."""
    if age_s is None:
        return PartState.NEVER_SEEN
    return PartState.OK if age_s <= SILENT_AFTER_S else PartState.SILENT
