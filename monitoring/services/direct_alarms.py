"""Alarms about the portal itself, by a path that needs neither Celery nor, if need be, the database.

Beat's silence is an alert like any other, evaluated here because without beat nobody else would; while the
parts that send are away, the watchdog sends what waits. Everything else that is wrong with the portal's own
parts goes straight to Slack and e-mail.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError

from monitoring.domain.alerting import Change, Comparison, RuleKind, Sample, Terms, Track, advance
from monitoring.domain.delivery import ChannelName, Outcome
from monitoring.services.alerts import UnableToEvaluate, evaluate_alerts
from monitoring.services.deliveries import deliver_waiting, send_through
from monitoring.services.outbox import why_not_set_up
from monitoring.services.watchdog import Finding

logger = logging.getLogger(__name__)

# A restart of a part is no alarm.
HOLD = timedelta(seconds=30)
_TERMS = Terms(Comparison.AT_LEAST, threshold=1, hold=HOLD)
# Without these nothing is evaluated or sent in the usual way.
_NEEDED_TO_SEND = frozenset({"beat", "worker", "broker", "canary", "owed"})
# Told by its rule, as long as there is a database to keep the alert in.
_BY_RULE = frozenset({"beat"})
_MOST_WAITING = 100


@dataclass(frozen=True, slots=True)
class _Waiting:
    channel: ChannelName
    line: str
    body: str
    key: str


class DirectAlarms:
    """Remembers, between two looks, what was found and what could not be told yet."""

    def __init__(self) -> None:
        self._tracks: dict[str, Track] = {}
        self._sentences: dict[str, str] = {}
        self._waiting: deque[_Waiting] = deque(maxlen=_MOST_WAITING)

    def tell(self, findings: Sequence[Finding], now: datetime) -> None:
        """This will tell people of what has been wrong for 30 s, and of its end; failed sends come again."""
        found = {finding.key: finding.sentence for finding in findings}
        if "database" not in found:
            self._by_rule(found, now)
        direct = {key: sentence for key, sentence in found.items() if key not in _BY_RULE}
        for key in {*direct, *self._tracks}:
            self._advance(key, direct.get(key), now)
        self._send()

    def _by_rule(self, found: dict[str, str], now: datetime) -> None:
        try:
            evaluate_alerts(now=now, kinds=(RuleKind.BEAT,))
            if _NEEDED_TO_SEND & set(found):
                deliver_waiting()
        except (DatabaseError, InterfaceError, UnableToEvaluate) as error:
            logger.warning("watchdog: unable to evaluate and send alerts: %s", error)

    def _advance(self, key: str, sentence: str | None, now: datetime) -> None:
        value = 0.0 if sentence is None else 1.0
        track, change = advance(self._tracks.get(key, Track()), Sample(now, value), _TERMS)
        self._tracks[key] = track
        self._sentences[key] = sentence or self._sentences.get(key, "")
        if change is Change.FIRED:
            self._queue(key, f"[P1] The portal itself: {key}", self._sentences[key], now)
        elif change is Change.RESOLVED:
            self._queue(key, f"[P1] Over: the portal itself: {key}", self._sentences[key], now)
        if sentence is None and track.fired_at is None:
            del self._tracks[key], self._sentences[key]

    def _queue(self, key: str, line: str, body: str, now: datetime) -> None:
        for channel in (ChannelName.SLACK, ChannelName.EMAIL):
            if not why_not_set_up(channel):
                self._waiting.append(_Waiting(channel, line, body, f"watchdog:{key}:{now.timestamp():.0f}"))

    def _send(self) -> None:
        stuck: set[ChannelName] = set()
        for _ in range(len(self._waiting)):
            one = self._waiting.popleft()
            if one.channel not in stuck:
                answer = send_through(one.channel, line=one.line, body=one.body, key=one.key)
                if answer.outcome is not Outcome.LATER:
                    logger.warning("watchdog: told by %s: %s", one.channel.value, answer.text)
                    continue
                logger.warning("watchdog: not told by %s yet: %s", one.channel.value, answer.text)
                stuck.add(one.channel)
            self._waiting.append(one)
