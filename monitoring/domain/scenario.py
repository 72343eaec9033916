"""A scripted burn-in: what a rehearsal is made of, read strictly from what a person wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from monitoring.domain.observing import Severity
from monitoring.domain.policy_fields import dollars

LONGEST = timedelta(days=60)
MOST_EVENTS = 500
MOST_ENDPOINTS = 20
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LENGTH = re.compile(r"^([1-9][0-9]{0,6})(s|m|h|d)$")
_TOP = ("starts_at", "days", "review_at", "endpoints", "intelligence_api", "costs", "events")


class UnableToReadScenario(ValueError):
    """The scenario does not hold. `path` names the entry, such as `events[2].kind`."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}" if path else problem)
        self.path = path


class EventKind(StrEnum):
    """What may happen in a rehearsal."""

    OUTAGE = "outage"
    PROBER_DEAD = "prober_dead"
    INCIDENT = "incident"
    HEAL = "heal"
    API_ERRORS = "api_errors"
    MAINTENANCE = "maintenance"


class FailureKind(StrEnum):
    """How an endpoint fails, as a prober meets it."""

    SERVER_ERROR = "500"
    DROP = "drop"
    HANG = "hang"
    WRONG_BODY = "wrong_body"
    REDIRECT_LOOP = "redirect_loop"


# What each event says beside `at` and `what`: required, then optional.
_EVENT_FIELDS: dict[EventKind, tuple[tuple[str, ...], tuple[str, ...]]] = {
    EventKind.OUTAGE: (("for", "endpoint"), ("kind",)),
    EventKind.PROBER_DEAD: (("for",), ()),
    EventKind.INCIDENT: (("severity",), ("for",)),
    EventKind.HEAL: (("subsystem",), ()),
    EventKind.API_ERRORS: (("for",), ()),
    EventKind.MAINTENANCE: (("for", "endpoint"), ()),
}


@dataclass(frozen=True, slots=True)
class ScriptedEndpoint:
    """An endpoint of the platform: probed every `interval_s`, or every `pulse_s` seconds if that is less."""

    name: str
    interval_s: int
    pulse_s: int
    critical: bool


@dataclass(frozen=True, slots=True)
class ScriptedEvent:
    """Something that happens from `at` to `until` (None: at one moment, or until the end)."""

    what: EventKind
    at: datetime
    until: datetime | None = None
    # The endpoint, the subsystem or the severity.
    subject: str = ""
    kind: FailureKind = FailureKind.SERVER_ERROR

    def holds(self, moment: datetime) -> bool:
        """Whether it goes on at `moment`."""
        return self.at <= moment and (self.until is None or moment < self.until)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole rehearsal. Times are UTC."""

    starts_at: datetime
    ends_at: datetime
    review_at: datetime
    endpoints: tuple[ScriptedEndpoint, ...]
    api_interval_s: int
    default_cost: Decimal
    costs: Mapping[date, Decimal]
    events: tuple[ScriptedEvent, ...]

    def cost_of(self, day: date) -> Decimal:
        """What the UTC day costs."""
        return self.costs.get(day, self.default_cost)


def read_scenario(written: object) -> Scenario:
    """Read what a person wrote, as plain values.

    Raises:
        UnableToReadScenario: naming the entry that is unknown, missing, unusable or contradicts another.
    """
    top = _mapping("", written, required=("starts_at", "review_at", "endpoints"), optional=_TOP)
    starts_at = _instant("starts_at", top["starts_at"])
    ends_at = starts_at + timedelta(days=_whole("days", top.get("days", 7), 1, 60))
    review_at = _instant("review_at", top["review_at"])
    if not ends_at <= review_at <= starts_at + LONGEST:
        raise UnableToReadScenario(
            "review_at", f"must come after the {ends_at:%Y-%m-%d %H:%M} UTC of the end, within 60 days."
        )
    endpoints = _endpoints(top["endpoints"])
    default, costs = _costs(top.get("costs", {"default": 7}))
    api = _mapping("intelligence_api", top.get("intelligence_api", {}), optional=("interval",))
    return Scenario(
        starts_at=starts_at,
        ends_at=ends_at,
        review_at=review_at,
        endpoints=endpoints,
        api_interval_s=_whole("intelligence_api.interval", api.get("interval", 60), 30, 3600),
        default_cost=default,
        costs=costs,
        events=_events(top.get("events") or [], {one.name for one in endpoints}, starts_at, review_at),
    )


def _mapping(
    path: str, written: object, *, required: Sequence[str] = (), optional: Sequence[str] = ()
) -> dict[str, Any]:
    known = tuple(dict.fromkeys((*required, *optional)))
    if not isinstance(written, Mapping):
        what = path or "A scenario"
        raise UnableToReadScenario(path, f"{what} must be a mapping with {', '.join(known)}.")
    for name in written:
        if name not in known:
            raise UnableToReadScenario(
                _under(path, name), f"is not known here; there may be {', '.join(known)}."
            )
    for name in required:
        if name not in written:
            raise UnableToReadScenario(path, f"{name} is missing.")
    return dict(written)


def _under(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)


def _instant(path: str, value: object) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise UnableToReadScenario(path, "must be an instant with its zone, such as 2025-11-11T16:00:00Z.")
    if value.microsecond:
        raise UnableToReadScenario(path, "must be a whole second.")
    return value.astimezone(UTC)


def _whole(path: str, value: object, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise UnableToReadScenario(path, f"must be a whole number from {least} to {most}, not {value!r}.")
    return value


def _length(path: str, value: object) -> timedelta:
    found = _LENGTH.match(value) if isinstance(value, str) else None
    if not found:
        raise UnableToReadScenario(path, f"must be a length such as 130s, 20m, 6h or 1d, not {value!r}.")
    if int(found[1]) * _SECONDS[found[2]] > LONGEST.total_seconds():
        raise UnableToReadScenario(path, f"{value} is longer than any rehearsal.")
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def _endpoints(written: object) -> tuple[ScriptedEndpoint, ...]:
    if not isinstance(written, Mapping) or not 1 <= len(written) <= MOST_ENDPOINTS:
        raise UnableToReadScenario(
            "endpoints", f"must be a mapping of 1 to {MOST_ENDPOINTS} names, such as api: {{interval: 30}}."
        )
    found = []
    for name, said in written.items():
        path = f"endpoints.{name}"
        if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", name):
            raise UnableToReadScenario(path, "a name has 1 to 40 small letters, digits, - and _.")
        terms = _mapping(path, said, required=("interval",), optional=("pulse", "critical"))
        interval = _whole(f"{path}.interval", terms["interval"], 5, 3600)
        critical = terms.get("critical", False)
        if not isinstance(critical, bool):
            raise UnableToReadScenario(f"{path}.critical", f"must be true or false, not {critical!r}.")
        pulse = _whole(f"{path}.pulse", terms.get("pulse", interval), 5, 3600)
        found.append(ScriptedEndpoint(name, interval, min(pulse, interval), critical))
    return tuple(found)


def _costs(written: object) -> tuple[Decimal, dict[date, Decimal]]:
    if not isinstance(written, Mapping):
        raise UnableToReadScenario("costs", "must be a mapping with default and days.")
    days = {}
    for name, amount in written.items():
        path = f"costs.{name}"
        if name != "default":
            days[_day(path, name)] = _amount(path, amount)
    return _amount("costs.default", written.get("default", 7)), days


def _day(path: str, name: object) -> date:
    if isinstance(name, date) and not isinstance(name, datetime):
        return name
    try:
        return date.fromisoformat(name if isinstance(name, str) else "")
    except ValueError:
        raise UnableToReadScenario(path, 'must be "default" or a UTC day such as "2025-11-14".') from None


def _amount(path: str, value: object) -> Decimal:
    try:
        return dollars(value)
    except ValueError as wanted:
        raise UnableToReadScenario(path, f"must be {wanted}, not {value!r}.") from None


def _events(
    written: object, endpoints: set[str], starts_at: datetime, review_at: datetime
) -> tuple[ScriptedEvent, ...]:
    if not isinstance(written, list) or len(written) > MOST_EVENTS:
        raise UnableToReadScenario("events", f"must be a list of at most {MOST_EVENTS} events.")
    found: list[ScriptedEvent] = []
    for place, said in enumerate(written):
        path = f"events[{place}]"
        event = _event(path, said, endpoints)
        if not starts_at <= event.at < review_at or (event.until and event.until > review_at):
            raise UnableToReadScenario(f"{path}.at", "the event must lie between starts_at and review_at.")
        for other, earlier in enumerate(found):
            if _collide(event, earlier):
                raise UnableToReadScenario(f"{path}.at", f"overlaps events[{other}], of the same thing.")
        found.append(event)
    return tuple(found)


def _event(path: str, written: object, endpoints: set[str]) -> ScriptedEvent:
    every = ("at", "for", "what", "endpoint", "kind", "severity", "subsystem")
    said = _mapping(path, written, required=("at", "what"), optional=every)
    what = _word(f"{path}.what", said["what"], EventKind)
    required, optional = _EVENT_FIELDS[what]
    said = _mapping(path, said, required=("at", "what", *required), optional=optional)
    at = _instant(f"{path}.at", said["at"])
    until = at + _length(f"{path}.for", said["for"]) if "for" in said else None
    subject = ""
    if "endpoint" in said:
        subject = said["endpoint"]
        if not isinstance(subject, str) or subject not in endpoints:
            names = ", ".join(sorted(endpoints))
            raise UnableToReadScenario(f"{path}.endpoint", f"{subject!r} is none of the endpoints: {names}.")
    elif "severity" in said:
        subject = _word(f"{path}.severity", said["severity"], Severity).value
    elif "subsystem" in said:
        subject = said["subsystem"]
        if not isinstance(subject, str) or not 1 <= len(subject) <= 64:
            raise UnableToReadScenario(f"{path}.subsystem", "must be a name of 1 to 64 characters.")
    kind = _word(f"{path}.kind", str(said.get("kind", FailureKind.SERVER_ERROR.value)), FailureKind)
    return ScriptedEvent(what, at, until, subject, kind)


def _word(path: str, value: object, words: Any) -> Any:
    try:
        return words(value)
    except ValueError:
        raise UnableToReadScenario(path, f"must be one of {', '.join(words)}, not {value!r}.") from None


def _collide(one: ScriptedEvent, other: ScriptedEvent) -> bool:
    """Two of the same kind about the same thing at once: one of them would be lost without a word."""
    if (one.what, one.subject) != (other.what, other.subject) or one.what is EventKind.INCIDENT:
        return False
    if one.until is None or other.until is None:
        return one.at == other.at
    return one.at < other.until and other.at < one.until
