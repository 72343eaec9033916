"""The words of a burn-in."""

from enum import StrEnum


class BurnInState(StrEnum):
    """Where a burn-in stands between its plan and its review."""

    PLANNED = "planned"
    RUNNING = "running"
    EXTENDED = "extended"
    REVIEWED = "reviewed"
