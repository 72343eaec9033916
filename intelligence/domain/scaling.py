"""Whether to run more workers, fewer, or neither: a decision with its reasons, carried out elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import isfinite


class ScalingChoice(StrEnum):
    """What to do. Freeze and hold both leave the workers as they are; freeze is for the sake of money."""

    UP = "up"
    DOWN = "down"
    FREEZE = "freeze"
    HOLD = "hold"


class UnableToDecideScaling(ValueError):
    """Facts or a policy that cannot be; the message says which."""


@dataclass(frozen=True, slots=True)
class Load:
    """What 15 minutes showed; None is not measured. P95 latency in milliseconds, jobs waiting."""

    p95_ms: float | None
    queue_depth: int | None


@dataclass(frozen=True, slots=True)
class ScalingFacts:
    """What the decision rests on. Money in US dollars, `margin` a share (0.1 is 10 %); None is not known."""

    now: Load
    before: Load | None  # the check before this one: two quiet ones are needed to scale down
    workers: int
    spend_24h: Decimal | None = None
    spend_limit: Decimal | None = None
    margin: float | None = None
    stabilise: bool = False
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class ScalingPolicy:
    """The limits: above which to scale up, below which down, and when money forbids any change."""

    up_p95_ms: float = 150.0
    up_queue: int = 10
    down_p95_ms: float = 40.0
    least_workers: int = 1
    most_workers: int = 4
    freeze_spend_share: Decimal = Decimal("0.9")
    freeze_margin: float = 0.1


@dataclass(frozen=True, slots=True)
class ScalingDecision:
    """The choice, how many workers there should be after it, and every reason in words."""

    choice: ScalingChoice
    workers: int
    target: int
    reasons: tuple[str, ...]


def decide_scaling(facts: ScalingFacts, policy: ScalingPolicy | None = None) -> ScalingDecision:
    """Decide: switches before money, money before load. What was not measured never means fewer workers.

    Raises:
        UnableToDecideScaling: for negative or infinite facts, or limits that contradict one another.
    """
    limits = policy or ScalingPolicy()
    _check(facts, limits)
    stay = facts.workers
    if switched := _switches(facts):
        return ScalingDecision(ScalingChoice.HOLD, stay, stay, switched)
    if dear := _money(facts, limits):
        return ScalingDecision(ScalingChoice.FREEZE, stay, stay, dear)
    unknown = _money_unknown(facts)
    if busy := _busy(facts.now, limits):
        if stay >= limits.most_workers:
            full = f"{stay} workers run, and {limits.most_workers} are the most allowed."
            return ScalingDecision(ScalingChoice.HOLD, stay, stay, (*busy, full, *unknown))
        return ScalingDecision(ScalingChoice.UP, stay, stay + 1, (*busy, *unknown))
    if missing := _missing(facts.now):
        return ScalingDecision(ScalingChoice.HOLD, stay, stay, missing)
    if not _idle(facts.now, limits):
        calm = f"{_told(facts.now)}: neither above the limits for more workers nor idle."
        return ScalingDecision(ScalingChoice.HOLD, stay, stay, (calm,))
    if facts.before is None or not _idle(facts.before, limits):
        once = (
            f"{_told(facts.now)}: idle, but the check before was not, or did not measure it; twice is needed."
        )
        return ScalingDecision(ScalingChoice.HOLD, stay, stay, (once,))
    if stay <= limits.least_workers:
        least = f"Idle twice, but {stay} workers run, and {limits.least_workers} are the least allowed."
        return ScalingDecision(ScalingChoice.HOLD, stay, stay, (least,))
    twice = f"{_told(facts.now)}: idle now and at the check before."
    return ScalingDecision(ScalingChoice.DOWN, stay, stay - 1, (twice,))


def _switches(facts: ScalingFacts) -> tuple[str, ...]:
    reasons = []
    if not facts.enabled:
        reasons.append("Scaling is switched off.")
    if facts.stabilise:
        reasons.append("Stabilise mode freezes every automatic change.")
    return tuple(reasons)


def _money(facts: ScalingFacts, policy: ScalingPolicy) -> tuple[str, ...]:
    reasons = []
    if (
        facts.spend_24h is not None
        and facts.spend_limit is not None
        and facts.spend_24h >= policy.freeze_spend_share * facts.spend_limit
    ):
        share = policy.freeze_spend_share * 100
        reasons.append(
            f"The last 24 hours cost ${facts.spend_24h:,.2f}, {share:.0f} % or more of the limit"
            f" of ${facts.spend_limit:,.2f}."
        )
    if facts.margin is not None and facts.margin < policy.freeze_margin:
        reasons.append(f"The margin is {facts.margin:.1%}, below {policy.freeze_margin:.0%}.")
    return tuple(reasons)


def _money_unknown(facts: ScalingFacts) -> tuple[str, ...]:
    if facts.spend_24h is None or facts.spend_limit is None:
        return ("What the last 24 hours cost, or their limit, is not known.",)
    return ()


def _busy(load: Load, policy: ScalingPolicy) -> tuple[str, ...]:
    reasons = []
    if load.p95_ms is not None and load.p95_ms > policy.up_p95_ms:
        reasons.append(f"P95 latency is {load.p95_ms:g} ms, above {policy.up_p95_ms:g} ms.")
    if load.queue_depth is not None and load.queue_depth > policy.up_queue:
        reasons.append(f"{load.queue_depth} jobs wait, more than {policy.up_queue}.")
    return tuple(reasons)


def _missing(load: Load) -> tuple[str, ...]:
    reasons = []
    if load.p95_ms is None:
        reasons.append("No data: the latency of the last 15 minutes was not measured.")
    if load.queue_depth is None:
        reasons.append("No data: the queue was not measured.")
    return tuple(reasons)


def _idle(load: Load, policy: ScalingPolicy) -> bool:
    return load.p95_ms is not None and load.p95_ms < policy.down_p95_ms and load.queue_depth == 0


def _told(load: Load) -> str:
    return f"P95 latency is {load.p95_ms:g} ms and {load.queue_depth} jobs wait"


def _check(facts: ScalingFacts, policy: ScalingPolicy) -> None:
    if not 0 < policy.least_workers <= policy.most_workers or policy.down_p95_ms >= policy.up_p95_ms:
        raise UnableToDecideScaling(
            f"The policy allows {policy.least_workers} to {policy.most_workers} workers, down below"
            f" {policy.down_p95_ms:g} ms and up above {policy.up_p95_ms:g} ms; each first must be less."
        )
    numbers: list[tuple[str, float | Decimal | None]] = [
        ("workers", facts.workers),
        ("spend_24h", facts.spend_24h),
        ("spend_limit", facts.spend_limit),
    ]
    for when, load in (("now", facts.now), ("before", facts.before)):
        if load is not None:
            numbers += [(f"{when}.p95_ms", load.p95_ms), (f"{when}.queue_depth", load.queue_depth)]
    for name, number in numbers:
        if number is not None and not (isfinite(number) and number >= 0):
            raise UnableToDecideScaling(f"{name} is {number}; it must be 0 or more, or None when not known.")
    if facts.margin is not None and not isfinite(facts.margin):
        raise UnableToDecideScaling(f"margin is {facts.margin}; give a share, or None when it is not known.")
