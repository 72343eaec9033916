"""The outbox: notices are written with the alert, in its transaction, and sent by `services.deliveries`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.conf import settings

from monitoring.domain.delivery import ChannelName, DeliveryState, Event
from monitoring.domain.notices import AlertFacts, notice_of
from monitoring.models import AlertDelivery, AlertEpisode


def write_notices(
    notices: Iterable[tuple[Event, AlertEpisode, str]],
    *,
    channels: Sequence[str],
    rule_name: str,
    now: datetime,
) -> int:
    """This will write one delivery for each notice and channel, in the caller's transaction. One statement.

    Each notice is (event, episode, why nobody is told, or ""). A notice that nobody gets is kept as well,
    with the reason. Writing the same one again changes nothing.
    """
    away = {channel: why_not_set_up(ChannelName(channel)) for channel in channels}
    rows = [
        _delivery(event, episode, channel, muted or away[channel], rule_name, now)
        for event, episode, muted in notices
        for channel in channels
    ]
    AlertDelivery.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    return len(rows)


def why_not_set_up(channel: ChannelName) -> str:
    """Why the channel cannot be used, in a sentence that says how to mend it; "" when it can."""
    if channel is ChannelName.SLACK and not settings.SLACK_WEBHOOK_URL:
        return "Not set up: SLACK_WEBHOOK_URL is empty."
    if channel is ChannelName.EMAIL and not (settings.EMAIL_URL and settings.ALERT_EMAIL_TO):
        return "Not set up: EMAIL_URL or ALERT_EMAIL_TO is empty."
    return ""


def _delivery(
    event: Event, episode: AlertEpisode, channel: str, why_not: str, rule_name: str, now: datetime
) -> AlertDelivery:
    notice = notice_of(event, _facts(event, episode, rule_name))
    row = AlertDelivery(
        episode=episode,
        channel=channel,
        event=event.value,
        # The instant tells apart two reminders, and a beginning that was muted from its later telling.
        dedupe_key=f"{episode.pk}:{event.value}:{now.timestamp():.6f}:{channel}",
        subject_line=notice.line,
        body=notice.body,
        created_at=now,
    )
    if why_not:
        row.state, row.answer, row.finished_at = DeliveryState.SKIPPED.value, why_not[:500], now
    elif channel == ChannelName.DATABASE.value:
        # This row is the notice, and it is there when the alert is.
        row.state, row.answer, row.finished_at = DeliveryState.SENT.value, "kept", now
        row.attempt = 1
    return row


def _facts(event: Event, episode: AlertEpisode, rule_name: str) -> AlertFacts:
    by, why = "", ""
    if event is Event.ACKNOWLEDGED:
        by, why = episode.acknowledged_by, episode.acknowledge_reason
    elif event is Event.RESOLVED and episode.resolved_by:
        by, why = episode.resolved_by, episode.resolution
    ended = event is Event.RESOLVED and not episode.resolved_by and episode.resolution
    return AlertFacts(
        number=episode.pk,
        rule=rule_name,
        subject=episode.subject_name,
        severity=episode.severity,
        summary=episode.resolution if ended else episode.summary,
        breached_since=episode.breached_since,
        fired_at=episode.fired_at,
        resolved_at=episode.resolved_at,
        by=by,
        why=why,
    )
