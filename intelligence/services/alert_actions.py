"""What the intelligence remembers of alerts: each becomes one action, written by who reads, once."""

from __future__ import annotations

from django.db.models import Exists, OuterRef

from intelligence.models import IntelAction
from monitoring.models import AlertEpisode
from tenancy.context import control_transaction

ACTION = "alert_triggered"
# How many alerts are read at once.
_BATCH = 500


def note_alerts() -> int:
    """This will write one action for every alert that has none yet, and return how many. Idempotent.

    The database lets an alert become an action once, so any number may run at once. Alerts have no subsystem
    here: they are not heals, and must not be counted as such.
    """
    written = 0
    while True:
        with control_transaction("alert actions"):
            noted = IntelAction.objects.filter(alert_episode=OuterRef("pk"))
            episodes = list(AlertEpisode.objects.exclude(Exists(noted)).order_by("pk")[:_BATCH])
            IntelAction.objects.bulk_create([_action(episode) for episode in episodes], ignore_conflicts=True)
        written += len(episodes)
        if len(episodes) < _BATCH:
            return written


def _action(episode: AlertEpisode) -> IntelAction:
    return IntelAction(
        tenant_id=episode.tenant_id,
        action=ACTION,
        alert_episode=episode.pk,
        ts=episode.fired_at,
        metadata={
            "alert": episode.pk,
            "rule": episode.rule_key,
            "subject": episode.subject_name,
            "severity": episode.severity,
            "summary": episode.summary,
            "value": episode.value,
            "threshold": episode.threshold,
        },
    )
