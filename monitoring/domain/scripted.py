"""A scripted platform: how it would answer a probe at an instant. The same script answers the same way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zlib import crc32

from monitoring.domain.probes import ErrorClass, ProbeResult
from monitoring.domain.scenario import EventKind, FailureKind, Scenario, ScriptedEvent

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class _Failure:
    status: int
    took_ms: float
    error_class: ErrorClass
    error: str = ""
    failed_assertion: str = ""


_FAILURES = {
    FailureKind.SERVER_ERROR: _Failure(500, 30, ErrorClass.BAD_STATUS, "status 500 instead of 200"),
    FailureKind.DROP: _Failure(0, 12, ErrorClass.DROPPED, "the connection was closed without an answer"),
    FailureKind.HANG: _Failure(0, TIMEOUT_S * 1000, ErrorClass.TIMEOUT, f"no answer within {TIMEOUT_S:g} s"),
    FailureKind.WRONG_BODY: _Failure(
        200, 35, ErrorClass.ASSERTION, failed_assertion="[BODY].ok == true (it is false)"
    ),
    FailureKind.REDIRECT_LOOP: _Failure(302, 60, ErrorClass.TOO_MANY_REDIRECTS, "more than 3 redirects"),
}


class ScriptedPlatform:
    """Answers as the scenario says. `is_api` tells the portal's own intelligence endpoints from the rest."""

    def __init__(self, scenario: Scenario) -> None:
        events = scenario.events
        self._outages = _of(events, EventKind.OUTAGE)
        self._api_errors = _of(events, EventKind.API_ERRORS)
        self._dead = _of(events, EventKind.PROBER_DEAD)

    def prober_back_at(self, at: datetime) -> datetime:
        """When the prober that is dead at `at` lives again; `at` itself while it lives."""
        ends = [event.until for event in self._dead if event.holds(at) and event.until]
        return max(ends, default=at)

    def api_fails(self, at: datetime) -> bool:
        """Whether callers of the intelligence API get a 5xx."""
        return any(event.holds(at) for event in self._api_errors)

    def probe(self, key: str, name: str, at: datetime, *, is_api: bool) -> ProbeResult:
        """What a probe that begins at `at` brings; latencies from 18 to 82 ms, the same at each run."""
        failure = self._failure(name, at, is_api=is_api)
        if failure is None:
            took_ms = 18 + crc32(f"{name}{at.timestamp():.0f}".encode()) % 6400 / 100
            ended_at = at + timedelta(milliseconds=took_ms)
            return ProbeResult(key, at, ended_at, 200, True, took_ms)
        return ProbeResult(
            key,
            at,
            at + timedelta(milliseconds=failure.took_ms),
            failure.status,
            False,
            failure.took_ms,
            failure.error_class,
            failure.error,
            failure.failed_assertion,
        )

    def _failure(self, name: str, at: datetime, *, is_api: bool) -> _Failure | None:
        if is_api:
            return _FAILURES[FailureKind.SERVER_ERROR] if self.api_fails(at) else None
        for event in self._outages:
            if event.subject == name and event.holds(at):
                return _FAILURES[event.kind]
        return None


def _of(events: Iterable[ScriptedEvent], what: EventKind) -> tuple[ScriptedEvent, ...]:
    return tuple(event for event in events if event.what is what)
