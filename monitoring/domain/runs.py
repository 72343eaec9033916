"""The words of the job ledger."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class JobResult:
    """What a job's work hands back: how it ended, and one sentence for the log."""

    outcome: Outcome
    summary: str

    @classmethod
    def ok(cls, summary: str) -> JobResult:
        return cls(Outcome.OK, summary)

    @classmethod
    def findings(cls, summary: str) -> JobResult:
        return cls(Outcome.FINDINGS, summary)

    @classmethod
    def skipped(cls, reason: str) -> JobResult:
        return cls(Outcome.SKIPPED, reason)
