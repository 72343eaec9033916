"""The words of probing: where an observation comes from and how an endpoint stands."""

from enum import StrEnum

# A moment is observed while the last observation is not older than this many intervals.
HOLD_INTERVALS = 2.5


class Source(StrEnum):
    """Who made an observation."""

    MONITOR = "monitor"
    SYNTHETIC = "synthetic"
    API = "api"
    IMPORT = "import"


class EndpointStanding(StrEnum):
    """How an endpoint stands after its last observation."""

    UNKNOWN = "unknown"
    UP = "up"
    # Failed once; the confirmation is on its way.
    SUSPECT = "suspect"
    DOWN = "down"


class Severity(StrEnum):
    """How grave an incident is; P1 is the gravest and the one the gate counts."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"
