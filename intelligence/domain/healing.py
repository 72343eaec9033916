"""The words of healing, and the brakes: whether an action may be carried out now, and if not, why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from intelligence.domain.series import Direction

COOL_DOWN: Final = timedelta(minutes=30)
MOST_A_DAY: Final = 3
_DAY: Final = timedelta(days=1)


class HealKind(StrEnum):
    """How an action reaches what it heals."""

    WEBHOOK = "webhook"
    CELERY = "celery"
    COMMAND = "command"
    NOTIFY = "notify"


class HealTrigger(StrEnum):
    """What a healing rule listens to."""

    ANOMALY = "anomaly"
    ALERT = "alert"


class ActionState(StrEnum):
    """Where an action stands. A proposed one waits for a person."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    EXECUTING = "executing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"


class Step(StrEnum):
    """What the brakes allow."""

    GO = "go"
    WAIT = "wait"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class HealFacts:
    """What the brakes look at.

    `acted_at` are the instants at which actions on the same subsystem began in the last 24 hours, and `running`
    says that one has not ended yet.
    """

    destructive: bool
    approved: bool
    dry_run: bool
    autorecover: bool
    stabilise: bool
    acted_at: tuple[datetime, ...]
    running: bool


@dataclass(frozen=True, slots=True)
class Braked:
    """May it be done: now, after a person's word, or not at all, and why."""

    step: Step
    why: str = ""


def check_brakes(facts: HealFacts, now: datetime) -> Braked:
    """Decide in the order of weight: freeze, one at a time, cool-down, daily limit, then who has to say yes."""
    if facts.stabilise:
        return Braked(Step.SKIP, "STABILIZE_MODE freezes every automatic change.")
    if facts.running:
        return Braked(Step.SKIP, "Another action on this subsystem has not ended yet.")
    recent = sorted(at for at in facts.acted_at if now - at < _DAY)
    if recent and now - recent[-1] < COOL_DOWN:
        minutes = COOL_DOWN.total_seconds() / 60
        return Braked(Step.SKIP, f"The last action began less than {minutes:g} minutes ago (cool-down).")
    if len(recent) >= MOST_A_DAY:
        return Braked(Step.SKIP, f"{len(recent)} actions in 24 hours; {MOST_A_DAY} are the most allowed.")
    if facts.approved:
        return Braked(Step.GO)
    if facts.destructive:
        return Braked(Step.WAIT, "It is destructive: a person must approve it.")
    if not facts.autorecover and not facts.dry_run:
        return Braked(Step.WAIT, "INCIDENT_AUTORECOVER is off: a person must approve it.")
    return Braked(Step.GO)


def has_recovered(
    *, direction: Direction, expected: float | None, anomalous: float, newest: float | None
) -> bool | None:
    """Whether a metric came back at least half of the way to what was expected; None when that is not known."""
    if newest is None or expected is None:
        return None
    middle = (expected + anomalous) / 2
    if direction is Direction.BOTH:
        return abs(newest - expected) <= abs(middle - expected)
    return newest <= middle if direction is Direction.UP else newest >= middle
