"""When an alert fires and when it is over: one rule, one subject, one reading after the other.

A reading without a value is no evidence either way: it neither fires nor clears, and it breaks the unbroken
breach that a duration asks for. Between the threshold and the clear threshold an alert stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from math import isfinite

NO_TIME = timedelta(0)
MOST_OCCURRENCES = 100


class BadTerms(ValueError):
    """Terms of a rule that contradict themselves; the message says which and how to mend them."""


class RuleKind(StrEnum):
    """What a rule reads."""

    ERROR_RATE = "error_rate"
    SERVER_ERRORS = "server_errors"
    DAILY_COST = "daily_cost"
    ENDPOINT_DOWN = "endpoint_down"
    SLO_BURN = "slo_burn"
    SLO_NO_DATA = "slo_no_data"
    CERTIFICATE = "certificate"
    JOB = "job"
    BEAT = "beat"


class Comparison(StrEnum):
    """On which side of the threshold the trouble lies."""

    ABOVE = "above"
    AT_LEAST = "at_least"
    BELOW = "below"
    AT_MOST = "at_most"

    @property
    def rises(self) -> bool:
        """Whether greater values are the worse ones."""
        return self in (Comparison.ABOVE, Comparison.AT_LEAST)


class Phase(StrEnum):
    """How a rule stands for one subject."""

    QUIET = "quiet"
    # Breached, but not for long or not often enough, or still cooling down.
    PENDING = "pending"
    FIRING = "firing"


class EpisodeState(StrEnum):
    """Where an episode is on its way."""

    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Change(StrEnum):
    """What one reading brought."""

    FIRED = "fired"
    RESOLVED = "resolved"
    # Still firing, and the time between two reminders has gone by.
    REMINDER = "reminder"


@dataclass(frozen=True, slots=True)
class Terms:
    """When a rule fires and clears.

    Fires when the value is beyond `threshold` without a break for `hold` and, with `occurrences` above 1, was
    so that many times within `within`. Clears when it is back at `clear` (None: at the threshold) or better.
    For `cool_down` after the end of one episode the next is held back.
    """

    comparison: Comparison
    threshold: float
    clear: float | None = None
    hold: timedelta = NO_TIME
    occurrences: int = 1
    within: timedelta = NO_TIME
    cool_down: timedelta = NO_TIME
    remind_every: timedelta | None = None

    def __post_init__(self) -> None:
        if not isfinite(self.threshold) or (self.clear is not None and not isfinite(self.clear)):
            raise BadTerms("The thresholds must be numbers.")
        clear = self.threshold if self.clear is None else self.clear
        if clear != self.threshold and (clear < self.threshold) is not self.comparison.rises:
            side = "below" if self.comparison.rises else "above"
            raise BadTerms(f"The clear threshold {clear:g} must lie {side} the threshold {self.threshold:g}.")
        if min(self.hold, self.within, self.cool_down) < NO_TIME:
            raise BadTerms("A duration must not be below zero.")
        if not 1 <= self.occurrences <= MOST_OCCURRENCES:
            raise BadTerms(f"A rule counts 1 to {MOST_OCCURRENCES} occurrences, not {self.occurrences}.")
        if self.occurrences > 1 and self.within <= NO_TIME:
            raise BadTerms("To count occurrences, say within which time.")
        if self.remind_every is not None and self.remind_every < timedelta(minutes=1):
            raise BadTerms("Reminders come a minute apart or more; leave it empty for none.")

    def breached(self, value: float) -> bool:
        """Whether `value` lies beyond the threshold."""
        if self.comparison is Comparison.ABOVE:
            return value > self.threshold
        if self.comparison is Comparison.AT_LEAST:
            return value >= self.threshold
        if self.comparison is Comparison.BELOW:
            return value < self.threshold
        return value <= self.threshold

    def cleared(self, value: float) -> bool:
        """Whether `value` is good enough to end an alert."""
        if self.breached(value):
            return False
        if self.clear is None:
            return True
        return value <= self.clear if self.comparison.rises else value >= self.clear

    def worse(self, one: float, other: float) -> float:
        """The worse of two values."""
        return max(one, other) if self.comparison.rises else min(one, other)


@dataclass(frozen=True, slots=True)
class Track:
    """What is remembered of one rule and one subject between two readings."""

    phase: Phase = Phase.QUIET
    # Since when every reading was beyond the threshold.
    breached_since: datetime | None = None
    # The newest breaches, as many as the rule counts, oldest first.
    breaches: tuple[datetime, ...] = ()
    fired_at: datetime | None = None
    resolved_at: datetime | None = None
    reminded_at: datetime | None = None
    acknowledged: bool = False
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading: `value` None = nothing is known. `breaches` are single breaches since the last reading,
    where the source knows them one by one (None: this reading counts as one when it is beyond the threshold).
    """

    at: datetime
    value: float | None
    breaches: tuple[datetime, ...] | None = None


def advance(track: Track, sample: Sample, terms: Terms) -> tuple[Track, Change | None]:
    """Take in one reading; return what is remembered now and what changed.

    A reading older than the last one is left aside: a late message or a clock set back changes nothing.
    """
    if track.read_at is not None and sample.at < track.read_at:
        return track, None
    track = replace(track, read_at=sample.at)
    if track.phase is Phase.FIRING:
        return _while_firing(track, sample, terms)
    return _while_quiet(track, sample, terms)


def acknowledge(track: Track) -> Track:
    """A person has taken it on: no more reminders."""
    return replace(track, acknowledged=True) if track.phase is Phase.FIRING else track


def close(track: Track, at: datetime) -> Track:
    """The episode is over, whatever was read; the cool-down begins."""
    if track.phase is not Phase.FIRING:
        return track
    return Track(resolved_at=at, read_at=track.read_at)


def _while_firing(track: Track, sample: Sample, terms: Terms) -> tuple[Track, Change | None]:
    breaches = _counted(track, sample, terms)
    often = terms.occurrences > 1 and len(breaches) >= terms.occurrences
    if sample.value is not None and terms.cleared(sample.value) and not often:
        return close(track, sample.at), Change.RESOLVED
    track = replace(track, breaches=breaches)
    told = track.reminded_at or track.fired_at
    due = terms.remind_every is not None and told is not None and sample.at - told >= terms.remind_every
    if due and not track.acknowledged:
        return replace(track, reminded_at=sample.at), Change.REMINDER
    return track, None


def _while_quiet(track: Track, sample: Sample, terms: Terms) -> tuple[Track, Change | None]:
    breached = sample.value is not None and terms.breached(sample.value)
    breaches = _counted(track, sample, terms)
    active = breached if terms.occurrences == 1 else len(breaches) >= terms.occurrences
    if not active:
        phase = Phase.PENDING if breached else Phase.QUIET
        return replace(track, phase=phase, breached_since=None, breaches=breaches), None
    since = track.breached_since or sample.at
    long = sample.at - since >= terms.hold
    cooled = track.resolved_at is None or sample.at - track.resolved_at >= terms.cool_down
    if not (long and cooled):
        return replace(track, phase=Phase.PENDING, breached_since=since, breaches=breaches), None
    fired = Track(
        phase=Phase.FIRING,
        breached_since=min((since, *breaches)),
        breaches=breaches,
        fired_at=sample.at,
        resolved_at=track.resolved_at,
        read_at=track.read_at,
    )
    return fired, Change.FIRED


def _counted(track: Track, sample: Sample, terms: Terms) -> tuple[datetime, ...]:
    """The newest breaches, no more than the rule counts and none older than it looks back, oldest first."""
    if terms.occurrences == 1:
        return ()
    new = sample.breaches
    if new is None:
        new = (sample.at,) if sample.value is not None and terms.breached(sample.value) else ()
    kept = sorted(at for at in {*track.breaches, *new} if sample.at - at <= terms.within)
    return tuple(kept[-terms.occurrences :])


@dataclass(frozen=True, slots=True)
class Mute:
    """A time in which nobody is told: a silence, or a maintenance window that mutes.

    `rule` "" = every rule; `subjects` is a pattern such as `shop*`, "" = every subject. `reason` says who and
    why.
    """

    starts_at: datetime
    ends_at: datetime
    rule: str = ""
    subjects: str = ""
    reason: str = ""
    # Ids of the endpoints it is for; None = it does not look at endpoints.
    endpoints: frozenset[int] | None = None

    def covers(self, *, rule: str, subject: str, endpoint_id: int | None, at: datetime) -> bool:
        """Whether an alert of `rule` about `subject` is muted at `at`; the end is not inside."""
        if not self.starts_at <= at < self.ends_at or (self.rule and self.rule != rule):
            return False
        if self.endpoints is not None and endpoint_id not in self.endpoints:
            return False
        return not self.subjects or fnmatchcase(subject.lower(), self.subjects.lower())


def muted_by(
    mutes: Iterable[Mute], *, rule: str, subject: str, endpoint_id: int | None, at: datetime
) -> Mute | None:
    """The mute that lasts longest of those that cover the alert, or None."""
    covering = [m for m in mutes if m.covers(rule=rule, subject=subject, endpoint_id=endpoint_id, at=at)]
    return max(covering, key=lambda mute: mute.ends_at, default=None)
