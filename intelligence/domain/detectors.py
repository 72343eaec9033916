"""Finds values that do not fit what is known of their series: strictly online, one threshold for all series.

score = L(level) + L(seasonal) + ½·L(activity), an alert at 4.0 or more, where L is the surprise of a novelty
(`novelty.py`) and the features are
* level: the value itself;
* seasonal: the mean of the last 6 differences from what is usual at the same time of day (`seasons.py`; in
  the first day nothing is, and the value before stands for it: the median of all would fill the feature's
  memory with the whole swing of the day, and hide later steps of that size);
* activity: the mean of the last 12 absolute one-step changes.

How it meets what real series bring:
* a failed probe is a value like any other (`series.py` makes it one); the value being judged is never in its
  own baseline;
* no data (None) is neither judged nor learned, and the reading says so;
* a gap of more than 12 usual steps: no difference is taken across it, and the 6 differences begin anew;
* a counter that began anew: `series.counter_increase` keeps the step out of the series;
* a constant series has no tail to fit: the first other value counts as 1 in n + 1 in all three terms, which
  alerts once all three are learned (83 points);
* a new series is learned, and its readings say `learning`, until 30 values and 50 novelties are known.
"""

from __future__ import annotations

from array import array
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import pairwise
from math import isfinite
from typing import Final

from intelligence.domain.novelty import Feature
from intelligence.domain.seasons import same_time_of_day
from intelligence.domain.series import Direction

THRESHOLD: Final = 4.0
BREAKS_COOL_DOWN: Final = 1.5
"""A score so far above the highest of the episode alerts again at once."""
COOL_DOWN_POINTS: Final = 24
COOL_DOWN_SECONDS: Final = 6 * 3600.0
HISTORY: Final = 20_000
_DIFFERENCES: Final = 6
_CHANGES: Final = 12
_STEPS: Final = 30
_GAP_STEPS: Final = 12
_ACTIVITY_WEIGHT: Final = 0.5
_LARGEST: Final = 1e100


class UnableToDetect(ValueError):
    """A point that cannot be judged; the message says which and why."""


class ReadingState(StrEnum):
    """What came of looking at one point."""

    NO_DATA = "no_data"
    LEARNING = "learning"
    QUIET = "quiet"
    ALERT = "alert"
    # Above the threshold, but of an episode that was alerted already.
    COOLING = "cooling"


@dataclass(frozen=True, slots=True)
class Terms:
    """The surprises L of the three features; None while one is being learned or looks the unwatched way."""

    level: float | None
    seasonal: float | None
    activity: float | None

    @property
    def score(self) -> float:
        """Their weighted sum."""
        return (self.level or 0.0) + (self.seasonal or 0.0) + _ACTIVITY_WEIGHT * (self.activity or 0.0)

    @property
    def probability(self) -> float:
        """The tail probability of the most surprising of them, 0 to 1."""
        return float(10.0 ** -max(self.level or 0.0, self.seasonal or 0.0, self.activity or 0.0))


@dataclass(frozen=True, slots=True)
class Reading:
    """What one point of a series said, and against which baseline.

    `score` and `p` are None while learning and without data. `expected` is what is usual at this time of day
    (of all times, while the series is young), and the baseline what was known before this point.
    """

    at: datetime
    value: float | None
    state: ReadingState
    score: float | None = None
    p: float | None = None
    terms: Terms = Terms(None, None, None)
    direction: Direction | None = None
    expected: float | None = None
    seasonal_baseline: bool = False
    baseline_start: datetime | None = None
    baseline_end: datetime | None = None
    baseline_points: int = 0

    @property
    def is_alert(self) -> bool:
        """Whether this point opens an episode, or breaks out of one."""
        return self.state is ReadingState.ALERT


@dataclass(slots=True)
class Episode:
    """What was last alerted: until when repeats stay quiet, and the highest score so far."""

    until_point: float = 0.0
    until_time: float = float("-inf")
    peak: float = 0.0


class Detector:
    """One series' memory and judgement. Feed every point once, in the order of time.

    Costs about 50 µs per point. Between runs keep `snapshots.pack(detector)` (exact), or feed the rollups
    again.
    """

    def __init__(self, watched: Direction = Direction.BOTH, *, history: int = HISTORY) -> None:
        self.watched = watched
        self.history = history
        self.points = 0
        self.times = array("d")
        self.values = array("d")
        self.level = Feature(history)
        self.seasonal = Feature(history)
        self.activity = Feature(history)
        self.differences: deque[float] = deque(maxlen=_DIFFERENCES)
        self.changes: deque[float] = deque(maxlen=_CHANGES)
        self.episode = Episode()

    @property
    def last_at(self) -> datetime | None:
        """The time of the newest point that was learned: what came later is still to be fed."""
        return _moment(self.times[-1]) if self.times else None

    def judge(self, at: datetime, value: float | None) -> Reading:
        """Judge one point against all before it, then learn it.

        Raises:
            UnableToDetect: when the value is NaN, infinite or beyond ±1e100, `at` has no time zone, or is not
            after the last.
        """
        time = self._accept(at, value)
        if value is None:
            return Reading(at=at, value=None, state=ReadingState.NO_DATA)
        usual = same_time_of_day(self.times, self.values, time)
        expected = self.level.seen.median() if usual is None and self.times else usual
        known = (_moment(self.times[0]), _moment(self.times[-1]), len(self.times)) if self.times else None
        ready = self.level.ready
        terms = self._learn(time, value, usual, expected)
        score = terms.score if ready else None
        return Reading(
            at=at,
            value=value,
            state=self._state(time, score),
            score=score,
            p=terms.probability if ready else None,
            terms=terms,
            direction=_direction(value, expected),
            expected=expected,
            seasonal_baseline=usual is not None,
            baseline_start=known[0] if known else None,
            baseline_end=known[1] if known else None,
            baseline_points=known[2] if known else 0,
        )

    def _accept(self, at: datetime, value: float | None) -> float:
        if at.tzinfo is None:
            raise UnableToDetect(f"The time of a point, {at.isoformat()}, has no time zone; give it in UTC.")
        time = at.timestamp()
        if self.times and time <= self.times[-1]:
            last = _moment(self.times[-1]).isoformat()
            raise UnableToDetect(
                f"A point at {at.isoformat()} came after one at {last}; feed each point once, in order."
            )
        if value is not None and not (isfinite(value) and abs(value) < _LARGEST):
            raise UnableToDetect(
                f"The value at {at.isoformat()} is {value}; give a number, or None for no data."
            )
        return time

    def _learn(self, time: float, value: float, usual: float | None, expected: float | None) -> Terms:
        after_gap = self._after_gap(time)
        middle = self.level.seen.median() if self.times else value
        level = self.level.learn(value)
        seasonal = activity = None
        if after_gap:
            self.differences.clear()
        difference = 0.0
        if usual is None and self.times and not after_gap:
            usual = self.values[-1]
        if usual is not None:
            self.differences.append(value - usual)
            difference = sum(self.differences) / len(self.differences)
            seasonal = self.seasonal.learn(difference)
        if self.times and not after_gap:
            self.changes.append(abs(value - self.values[-1]))
            activity = self.activity.learn(sum(self.changes) / len(self.changes))
        self._remember(time, value)
        return Terms(
            level=level if self._watches(value - middle) else None,
            seasonal=seasonal if self._watches(difference) else None,
            activity=activity if self._watches(value - (value if expected is None else expected)) else None,
        )

    def _after_gap(self, time: float) -> bool:
        recent = self.times[-_STEPS - 1 :]
        if len(recent) < _CHANGES:
            return False
        steps = sorted(after - before for before, after in pairwise(recent))
        return time - recent[-1] > _GAP_STEPS * steps[len(steps) // 2]

    def _remember(self, time: float, value: float) -> None:
        self.points += 1
        self.times.append(time)
        self.values.append(value)
        # Cutting from the front moves all the rest, so it is done seldom.
        if len(self.times) >= self.history + max(1, self.history // 16):
            del self.times[: -self.history]
            del self.values[: -self.history]

    def _watches(self, deviation: float) -> bool:
        if self.watched is Direction.BOTH:
            return True
        return deviation > 0 if self.watched is Direction.UP else deviation < 0

    def _state(self, time: float, score: float | None) -> ReadingState:
        if score is None:
            return ReadingState.LEARNING
        if score < THRESHOLD:
            return ReadingState.QUIET
        episode = self.episode
        cooling = self.points < episode.until_point or time < episode.until_time
        state = ReadingState.ALERT
        if cooling and score < episode.peak + BREAKS_COOL_DOWN:
            state = ReadingState.COOLING
        episode.peak = max(score, episode.peak) if cooling else score
        # Whatever is still strange prolongs the episode: one long fault is one alert.
        episode.until_point = self.points + COOL_DOWN_POINTS
        episode.until_time = time + COOL_DOWN_SECONDS
        return state


def _direction(value: float, expected: float | None) -> Direction | None:
    if expected is None or value == expected:
        return None
    return Direction.UP if value > expected else Direction.DOWN


def _moment(time: float) -> datetime:
    return datetime.fromtimestamp(time, UTC)


__all__ = [
    "BREAKS_COOL_DOWN",
    "COOL_DOWN_POINTS",
    "COOL_DOWN_SECONDS",
    "HISTORY",
    "THRESHOLD",
    "Detector",
    "Episode",
    "Reading",
    "ReadingState",
    "Terms",
    "UnableToDetect",
]
