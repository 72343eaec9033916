"""What a Go/No-Go review must say before it can be signed.

The computed verdict is never replaced. Whoever decides GO against it waives each point that stands open, by
name, with a reason, an end and a second person; whoever decides NO-GO says what blocks and what is done.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from monitoring.domain.gates import GATE_TITLES, TRIGGER_TITLES
from monitoring.domain.verdicts import Decision, Reading, Verdict

DEFAULT_EXTENSION_DAYS = 7
LONGEST_EXTENSION_DAYS = 90
# A waiver is for a while: whoever needs longer changes the policy instead.
LONGEST_WAIVER_DAYS = 90


@dataclass(frozen=True, slots=True)
class OpenPoint:
    """A gate that is not proven or a trigger that is not known to be quiet. `key` names it in waivers."""

    key: str
    title: str
    why: str


@dataclass(frozen=True, slots=True)
class WaiverTerms:
    """One open point that is taken into the bargain."""

    subject: str
    reason: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class BlockerTerms:
    """One thing that must be mended. `subject` is a gate, a trigger, or whatever else it is called."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class ReviewDraft:
    """What somebody is about to sign. The last five fields belong to NO-GO, `waivers` to GO."""

    decision: Decision
    note: str = ""
    waivers: tuple[WaiverTerms, ...] = ()
    blockers: tuple[BlockerTerms, ...] = ()
    plan: str = ""
    plan_owner: str = ""
    plan_due: date | None = None
    extension_days: int = DEFAULT_EXTENSION_DAYS
    next_review_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a draft cannot be signed: the field, and what would mend it."""

    field: str
    text: str


def open_points(verdict: Verdict) -> tuple[OpenPoint, ...]:
    """What stands between `verdict` and GO, what failed before what is only not proven. None for GO."""
    gates = sorted(
        (reading for reading in verdict.gates if not reading.proven), key=lambda reading: reading.within
    )
    points = [
        OpenPoint(
            reading.key.value,
            f"{GATE_TITLES[reading.key]} {reading.standing}",
            told_once(reading),
        )
        for reading in gates
    ]
    points += [
        OpenPoint(
            trigger.key.value,
            f"{TRIGGER_TITLES[trigger.key]} {'FIRED' if trigger.fired else 'NOT KNOWN'}",
            trigger.explanation,
        )
        for trigger in verdict.triggers
        if trigger.fired or not trigger.observed
    ]
    return tuple(points)


def told_once(reading: Reading) -> str:
    """The explanation of a reading and what is missing, without saying anything twice."""
    more = [text for text in reading.missing if text not in reading.explanation]
    return " ".join((reading.explanation, *more))


def faults_of(
    draft: ReviewDraft,
    *,
    points: tuple[OpenPoint, ...],
    signer: str,
    second_person: str,
    now: datetime,
) -> tuple[Fault, ...]:
    """Everything that keeps `draft` from being signed; nothing when it may be."""
    if draft.decision is Decision.NO_GO:
        return tuple(_no_go_faults(draft, now))
    return tuple(_go_faults(draft, points, signer, second_person, now))


def _go_faults(
    draft: ReviewDraft, points: tuple[OpenPoint, ...], signer: str, second_person: str, now: datetime
) -> Iterable[Fault]:
    if draft.blockers or draft.plan:
        yield Fault(
            "blockers", "A GO has no blockers and no remediation plan. Sign NO-GO, or leave them out."
        )
    keys = {point.key for point in points}
    named = [waiver.subject for waiver in draft.waivers]
    for point in points:
        if point.key not in named:
            yield Fault(
                "waivers", f"The verdict is NO-GO: {point.title}. GO needs a waiver of {point.key}, by name."
            )
    for waiver in draft.waivers:
        yield from _waiver_faults(waiver, keys, now)
    if len(set(named)) < len(named):
        yield Fault("waivers", "One waiver for each point: the same one is waived twice.")
    if points and not second_person:
        yield Fault("second_person", "A waiver needs a second person with the right to sign.")
    if second_person and second_person == signer:
        yield Fault("second_person", "The second person must be somebody else than who signs.")


def _waiver_faults(waiver: WaiverTerms, keys: set[str], now: datetime) -> Iterable[Fault]:
    if waiver.subject not in keys:
        open_ones = ", ".join(sorted(keys)) or "nothing"
        yield Fault("waivers", f"{waiver.subject!r} is not open, so it cannot be waived; open: {open_ones}.")
    if not waiver.reason.strip():
        yield Fault("waivers", f"The waiver of {waiver.subject} needs a reason.")
    if waiver.expires_at <= now:
        yield Fault("waivers", f"The waiver of {waiver.subject} must expire in the future.")
    elif (waiver.expires_at - now).days >= LONGEST_WAIVER_DAYS:
        yield Fault("waivers", f"The waiver of {waiver.subject} may last {LONGEST_WAIVER_DAYS} days at most.")


def _no_go_faults(draft: ReviewDraft, now: datetime) -> Iterable[Fault]:
    if draft.waivers:
        yield Fault("waivers", "A NO-GO waives nothing. Leave the waivers out, or sign GO.")
    if not draft.blockers or not all(one.subject.strip() and one.text.strip() for one in draft.blockers):
        yield Fault("blockers", "A NO-GO names at least one blocker, and says what it is.")
    if not draft.plan.strip():
        yield Fault("plan", "A NO-GO needs a remediation plan: what will be done.")
    if not draft.plan_owner.strip():
        yield Fault("plan_owner", "The remediation plan needs an owner.")
    if draft.plan_due is None:
        yield Fault("plan_due", "The remediation plan needs a date.")
    elif draft.plan_due < now.astimezone(UTC).date():
        yield Fault("plan_due", "The date of the remediation plan lies in the past.")
    if not 1 <= draft.extension_days <= LONGEST_EXTENSION_DAYS:
        yield Fault("extension_days", f"The extension is 1 to {LONGEST_EXTENSION_DAYS} days.")
    if draft.next_review_at is not None and draft.next_review_at <= now:
        yield Fault("next_review_at", "The next review must lie in the future.")
