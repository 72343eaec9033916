"""The words of the job ledger."""

from enum import StrEnum


class RunState(StrEnum):
    """Where a run is on its way: owed, taken, done, or given up."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    # Taken as often as allowed and never finished.
    DEAD = "dead"


class Outcome(StrEnum):
    """How a run ended."""

    OK = "ok"
    FINDINGS = "findings"
    ERROR = "error"
    SKIPPED = "skipped"
    TIMED_OUT = "timed_out"
    # Its slot passed while nobody could run it.
    MISSED = "missed"


class Trigger(StrEnum):
    """What opened a run's slot."""

    SCHEDULE = "schedule"
    PERSON = "person"
    COMMAND = "command"
