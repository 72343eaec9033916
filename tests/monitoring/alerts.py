"""Small makers of alerts for tests."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from monitoring.domain.alerting import RuleKind
from monitoring.domain.delivery import Event
from monitoring.domain.observing import Source
from monitoring.models import AlertDelivery, AlertEpisode, AlertRule, Endpoint
from monitoring.services.alerts import Evaluation, evaluate_alerts
from monitoring.services.outbox import write_notices
from monitoring.services.recording import record_probes
from tests.factories import NOON, core, make_result

_numbers = count(1)


def rule(key: str, **changes: Any) -> AlertRule:
    """A seeded rule, changed."""
    if changes:
        AlertRule.objects.filter(key=key).update(**changes)
    return AlertRule.objects.get(key=key)


def evaluate(key: str, now: datetime) -> Evaluation:
    """The evaluation of all rules of the kind of `key`."""
    return evaluate_alerts(now=now, kinds=[RuleKind(rule(key).kind)])


def make_episode(
    key: str = "endpoint_down", *, channels: list[str] | None = None, **fields: Any
) -> AlertEpisode:
    """A firing alert; with `channels` its notices too."""
    of = rule(key)
    number = next(_numbers)
    values = {
        "rule_key": of.key,
        "subject": f"test:{number}",
        "subject_name": f"subject {number}",
        "tenant": core(),
        "severity": of.severity,
        "summary": f"subject {number} is down",
        "threshold": of.threshold,
        "breached_since": NOON,
        "fired_at": NOON,
        "told_at": NOON,
    }
    episode = AlertEpisode.objects.create(rule=of, **{**values, **fields})
    if channels:
        write_notices(
            [(Event.FIRED, episode, "")], channels=channels, rule_name=of.name, now=episode.fired_at
        )
    return episode


def observe(endpoint: Endpoint, *states: bool, start: datetime = NOON, step_s: float = 5) -> datetime:
    """Probes of `endpoint`, good or bad, `step_s` apart; returns the end of the last one."""
    at = start
    for number, ok in enumerate(states):
        at = start + timedelta(seconds=step_s * number)
        record_probes([(endpoint, make_result(endpoint, at, ok=ok))], source=Source.MONITOR)
    return at + timedelta(milliseconds=20)


def notices(episode: AlertEpisode) -> list[tuple[str, str, str]]:
    """(event, channel, state) of each notice of an alert, in the order of their writing."""
    return list(
        AlertDelivery.objects.filter(episode=episode).order_by("id").values_list("event", "channel", "state")
    )
