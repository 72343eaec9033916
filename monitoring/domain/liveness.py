"""What the parts of the portal last said of themselves, and what that makes of the whole."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PartState(StrEnum):
    """How one part stands."""

    OK = "ok"
    # Not heard for longer than usual, but not yet given up: it counts as well.
    LATE = "late"
    NO_ANSWER = "no answer"
    SILENT = "silent"
    # No sign at all: it never ran, or stopped in good order.
    NOT_SEEN = "not seen"
    UNKNOWN = "unknown"
    NOT_ISOLATED = "not isolated"


_WELL = frozenset({PartState.OK, PartState.LATE})


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
        return PortalState.OK if _WELL.issuperset(others) else PortalState.DEGRADED

    def explain(self) -> str:
        """One sentence naming each part that is not well; empty when all are."""
        named = {"database": self.database, "broker": self.broker, "beat": self.beat, "worker": self.worker}
        faults = [f"{name}: {state.value}" for name, state in named.items() if state not in _WELL]
        return f"Not well: {'; '.join(faults)}." if faults else ""
