"""The words of stored verdicts."""

from enum import StrEnum


class Occasion(StrEnum):
    """Why a verdict was stored."""

    DAILY = "daily"
    CHECKPOINT = "checkpoint"
    REVIEW = "review"
    CHANGE = "change"
    COMMAND = "command"


class BurnInChangeKind(StrEnum):
    """What happened to a burn-in."""

    PLANNED = "planned"
    STARTED = "started"
    EXTENDED = "extended"
    POLICY = "policy"
    REVIEWED = "reviewed"


# Which burn-in the board is about changes by one of these.
OPENING = (BurnInChangeKind.PLANNED, BurnInChangeKind.STARTED)
