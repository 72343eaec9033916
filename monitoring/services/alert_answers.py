"""What people do with an alert: acknowledge it, end it. Each with a reason, audited."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from monitoring.domain.alerting import EpisodeState
from monitoring.domain.delivery import Event
from monitoring.models import AlertEpisode
from monitoring.services.alerts import end_episode
from monitoring.services.outbox import write_notices
from tenancy.services.audit import append_audit


class UnableToAnswer(ValueError):
    """The alert cannot be acknowledged or resolved as asked; the message says why."""


@transaction.atomic
def acknowledge_alert(*, episode_id: int, actor: str, reason: str, now: datetime) -> AlertEpisode:
    """This will note that `actor` has taken the alert on, and why; reminders end, and everybody is told.

    Raises:
        UnableToAnswer: when it is over, or taken on already, or the reason is missing.
    """
    episode, words = _locked(episode_id), _reason(reason)
    if episode.state == EpisodeState.ACKNOWLEDGED.value:
        raise UnableToAnswer(
            f"{episode} was acknowledged already, by {episode.acknowledged_by}: {episode.acknowledge_reason}"
        )
    episode.state, episode.acknowledged_at = EpisodeState.ACKNOWLEDGED.value, now
    episode.acknowledged_by, episode.acknowledge_reason = actor[:150], words
    episode.save(update_fields=["state", "acknowledged_at", "acknowledged_by", "acknowledge_reason"])
    untold = "" if episode.told_at else "Nobody was told of its beginning."
    write_notices(
        [(Event.ACKNOWLEDGED, episode, untold)],
        channels=episode.rule.channels,
        rule_name=episode.rule.name,
        now=now,
    )
    _audit("alert_acknowledged", episode, actor, words)
    return episode


@transaction.atomic
def resolve_alert(*, episode_id: int, actor: str, reason: str, now: datetime) -> AlertEpisode:
    """This will end an alert by hand. If what it is about is still so, it fires again (after its cool-down).

    Raises:
        UnableToAnswer: when it is over already, or the reason is missing.
    """
    episode, words = _locked(episode_id), _reason(reason)
    end_episode(episode, now=now, by=actor, resolution=words)
    _audit("alert_resolved", episode, actor, words)
    return episode


def _locked(episode_id: int) -> AlertEpisode:
    rows = AlertEpisode.objects.select_for_update(of=("self",)).select_related("rule")
    episode = rows.filter(pk=episode_id).first()
    if episode is None:
        raise UnableToAnswer(f"There is no alert {episode_id}.")
    if episode.resolved_at is not None:
        raise UnableToAnswer(f"{episode} is over since {episode.resolved_at:%Y-%m-%d %H:%M} UTC.")
    return episode


def _reason(text: str) -> str:
    words = " ".join(text.split())
    if not words:
        raise UnableToAnswer("Say why, so that whoever comes next knows.")
    return words[:500]


def _audit(event: str, episode: AlertEpisode, actor: str, reason: str) -> None:
    metadata = {
        "alert": episode.pk,
        "rule": episode.rule_key,
        "subject": episode.subject_name,
        "reason": reason,
    }
    append_audit(tenant_id=episode.tenant_id, event=event, actor=actor, metadata=metadata)
