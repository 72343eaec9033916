"""From single probes to outages with bounds, and to the spans of time in which anything is known at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitoring.domain.windows import Window, Windows, require_utc, union, window_or_none

NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Observation:
    """One probe of one endpoint. The answer shows the endpoint at some instant between the two times."""

    started_at: datetime
    ended_at: datetime
    ok: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "started_at", require_utc(self.started_at, "the start of the observation"))
        object.__setattr__(self, "ended_at", require_utc(self.ended_at, "the end of the observation"))
        if self.ended_at < self.started_at:
            raise ValueError(
                f"an observation cannot end ({self.ended_at.isoformat()}) before it starts "
                f"({self.started_at.isoformat()}); check the clock of the prober"
            )

    def cover(self, hold: timedelta) -> Window:
        """Return the time for which this observation speaks: from its start until `hold` after its end."""
        return Window(self.started_at, self.ended_at + _positive(hold))


@dataclass(frozen=True, slots=True)
class Outage:
    """A run of failed probes, by four instants that bound its true beginning and end.

    `last_good_at` is the START of the last good probe before, `first_bad_at` the END of the first bad one,
    `last_bad_at` the START of the last bad one, `first_good_at` the END of the first good one after. So the
    truth began between `last_good_at` and `first_bad_at` and ended between `last_bad_at` and `first_good_at`;
    None for the outer two means that no such probe exists (yet). `unseen` is the time between first and last
    bad that no probe spoke for: the endpoint may have been up in it.
    """

    last_good_at: datetime | None
    first_bad_at: datetime
    last_bad_at: datetime
    first_good_at: datetime | None
    confirmed: bool
    unseen: timedelta = NOTHING

    def __post_init__(self) -> None:
        for name in ("last_good_at", "first_bad_at", "last_bad_at", "first_good_at"):
            moment = getattr(self, name)
            if moment is not None:
                object.__setattr__(self, name, require_utc(moment, name))
        earliest_bad = min(self.first_bad_at, self.last_bad_at)
        latest_bad = max(self.first_bad_at, self.last_bad_at)
        if self.last_good_at is not None and self.last_good_at > earliest_bad:
            raise ValueError(
                f"last_good_at {self.last_good_at.isoformat()} lies inside the outage, known bad at "
                f"{earliest_bad.isoformat()}; it must be the start of a probe before the first bad one"
            )
        if self.first_good_at is not None and self.first_good_at < latest_bad:
            raise ValueError(
                f"first_good_at {self.first_good_at.isoformat()} lies inside the outage, known bad at "
                f"{latest_bad.isoformat()}; it must be the end of a probe after the last bad one"
            )

    @property
    def is_open(self) -> bool:
        """Whether no good probe has been seen since."""
        return self.first_good_at is None

    @property
    def is_blip(self) -> bool:
        """Whether it is one failed probe whose confirmation passed: down in the high reading only."""
        return not self.confirmed and not self.is_open

    @property
    def min_s(self) -> float:
        """The seconds surely down: from first bad to last bad, without the unseen time; 0 for a blip."""
        if self.is_blip:
            return 0.0
        return max(NOTHING, self.last_bad_at - self.first_bad_at - self.unseen).total_seconds()

    def likely_s(self, now: datetime) -> float:
        """Return its likely length in seconds, both edges at the middle of their bounds; 0 for a blip."""
        likely = self.likely(now)
        return likely.seconds if likely else 0.0

    def max_s(self, now: datetime) -> float | None:
        """Return its greatest length in seconds (to `now` if open), None where its start is unbounded."""
        if self.last_good_at is None:
            return None
        return (self._latest_end(now) - self.last_good_at).total_seconds()

    def low(self) -> Window | None:
        """Return the time surely down (less what was unseen), None where that is nothing."""
        return None if self.is_blip else window_or_none(self.first_bad_at, self.last_bad_at)

    def likely(self, now: datetime) -> Window | None:
        """Return the time most likely down, None for a blip.

        An open outage lasts until `now`; with no good probe before it, it begins at the first bad one.
        """
        if self.is_blip:
            return None
        start = self.first_bad_at
        if self.last_good_at is not None:
            start = _middle(self.last_good_at, self.first_bad_at)
        end = self._latest_end(now)
        if self.first_good_at is not None:
            end = _middle(self.last_bad_at, self.first_good_at)
        return window_or_none(start, end)

    def high(self, now: datetime, since: datetime) -> Window | None:
        """Return all the time that may have been down; `since` bounds it where no good probe came before."""
        start = min(since, self.first_bad_at) if self.last_good_at is None else self.last_good_at
        return window_or_none(start, self._latest_end(now))

    def _latest_end(self, now: datetime) -> datetime:
        if self.first_good_at is not None:
            return self.first_good_at
        return max(now, self.first_bad_at, self.last_bad_at)


@dataclass(frozen=True, slots=True)
class Trail:
    """What must be remembered of one endpoint's past to judge its next observation."""

    last_good_at: datetime | None = None
    seen_until: datetime | None = None
    outage: Outage | None = None

    def advance(self, observation: Observation, *, hold: timedelta) -> tuple[Trail, Outage | None]:
        """Return the trail after `observation`, and the outage that it closed, if any.

        Observations must come in the order of their start. The open outage, if any, is `.outage` of the new
        trail; it is confirmed from its second failure on.
        """
        seen_until = max(self.seen_until or observation.ended_at, observation.ended_at)
        if not observation.ok:
            return Trail(self.last_good_at, seen_until, self._worsened(observation, hold)), None
        closed = None
        if self.outage is not None:
            # Overlapping probes can answer out of turn: no recovery is dated before its failure.
            first_good_at = max(observation.ended_at, self.outage.first_bad_at)
            closed = replace(self.outage, first_good_at=first_good_at)
        return Trail(observation.started_at, seen_until, None), closed

    def _worsened(self, observation: Observation, hold: timedelta) -> Outage:
        if self.outage is None:
            return Outage(
                self.last_good_at, observation.ended_at, observation.started_at, None, confirmed=False
            )
        seen_until = self.seen_until or observation.started_at
        unseen = max(NOTHING, observation.started_at - seen_until - hold)
        return replace(
            self.outage,
            first_bad_at=min(self.outage.first_bad_at, observation.ended_at),
            last_bad_at=observation.started_at,
            confirmed=True,
            unseen=self.outage.unseen + unseen,
        )


def find_outages(observations: Iterable[Observation], *, hold: timedelta) -> tuple[Outage, ...]:
    """Return the outages that observations of one endpoint, in any order, show; oldest first.

    Confirmed are those of two or more failures in a row and one that is still open. Time further than `hold`
    from the observation before it is nobody's: it is neither proof of up nor of down (`Outage.unseen`).
    """
    _positive(hold)
    trail, found = Trail(), []
    for observation in sorted(observations, key=_order):
        trail, closed = trail.advance(observation, hold=hold)
        if closed is not None:
            found.append(closed)
    if trail.outage is not None:
        found.append(replace(trail.outage, confirmed=True))
    return tuple(found)


def observed_spans(observations: Iterable[Observation], *, hold: timedelta) -> Windows:
    """Return the time in which one endpoint was observed: until `hold` after each observation."""
    return union(observation.cover(hold) for observation in observations)


def extend_spans(spans: Windows, observations: Iterable[Observation], *, hold: timedelta) -> Windows:
    """Return `spans` with further observations, late ones too: the same as `observed_spans` of them all."""
    return union(spans, observed_spans(observations, hold=hold))


def extend_span(latest: Window | None, observation: Observation, *, hold: timedelta) -> tuple[Window, bool]:
    """Return the latest span after a next observation, and whether it is new (insert a row, not update).

    Raises ValueError for an observation that started before the latest span: it may join older ones, which
    only `extend_spans` over all of them can tell.
    """
    cover = observation.cover(hold)
    if latest is None or cover.start > latest.end:
        return cover, True
    if cover.start < latest.start:
        raise ValueError(
            f"the observation of {cover.start.isoformat()} is older than the latest span, which starts at "
            f"{latest.start.isoformat()}; merge late observations with extend_spans"
        )
    return Window(latest.start, max(latest.end, cover.end)), False


def _order(observation: Observation) -> tuple[datetime, datetime, bool]:
    return observation.started_at, observation.ended_at, observation.ok


def _middle(first: datetime, second: datetime) -> datetime:
    return first + (second - first) / 2


def _positive(hold: timedelta) -> timedelta:
    if hold <= NOTHING:
        raise ValueError(f"hold is {hold}; it must be above zero (2.5 × the probe interval)")
    return hold
