"""Sends what the outbox holds: one sender a channel, in order, until the provider has taken each notice.

Any number of processes may try at once, and any may be killed at any moment. A sender holds its channel under
a short lease by the database's clock and writes down each attempt before it makes it, so that whoever comes
after a dead one knows that the notice may have been taken.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from monitoring.clients import console, email, slack
from monitoring.domain.delivery import Answer, ChannelName, DeliveryState, Outcome, state_after, wait_before
from monitoring.domain.notices import DUPLICATE_NOTE
from monitoring.models import AlertChannel, AlertDelivery

logger = logging.getLogger(__name__)

# Longer than any single attempt; renewed before each.
LEASE = timedelta(seconds=30)
# Slack takes one message a second from a webhook.
PACE: dict[ChannelName, timedelta] = {ChannelName.SLACK: timedelta(seconds=1)}
BUDGET_S = 20.0
_ATTEMPTS_KEPT = 20

_TAKE_SQL = """
    UPDATE alert_channels
    SET holder = %(holder)s, lease_until = clock_timestamp() + %(lease)s * interval '1 s'
    WHERE name = %(name)s AND (lease_until IS NULL OR lease_until < clock_timestamp())
      AND (next_send_at IS NULL OR next_send_at <= clock_timestamp())
    RETURNING name
"""
_HOLD_SQL = """
    UPDATE alert_channels SET lease_until = clock_timestamp() + %(lease)s * interval '1 s'
    WHERE name = %(name)s AND holder = %(holder)s AND lease_until > clock_timestamp()
    RETURNING name
"""
_WAITING_SQL = """
    SELECT c.name FROM alert_channels c
    WHERE (c.lease_until IS NULL OR c.lease_until < clock_timestamp())
      AND (c.next_send_at IS NULL OR c.next_send_at <= clock_timestamp())
      AND EXISTS (SELECT 1 FROM alert_deliveries d WHERE d.channel = c.name AND d.state = 'pending')
    ORDER BY c.name
"""


@dataclass(slots=True)
class Delivered:
    """What one turn of a sender came to."""

    sent: int = 0
    failed: int = 0
    put_off: int = 0


def channels_waiting() -> list[ChannelName]:
    """The channels that have something to send, may send now, and are nobody's. One query."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_WAITING_SQL)
        return [ChannelName(name) for (name,) in cursor.fetchall()]


def deliver(channel: ChannelName, *, budget_s: float = BUDGET_S) -> Delivered:
    """This will send what waits in `channel`, oldest first, for at most about `budget_s` seconds.

    Does nothing while another sender holds the channel, or before its next instant has come. The first notice
    that the provider does not take now ends the turn: what comes after it waits, so that the order is kept.
    """
    done = Delivered()
    holder = f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}:{uuid.uuid4().hex[:8]}"
    ends = time.monotonic() + budget_s
    if not _lease(_TAKE_SQL, channel, holder):
        return done
    try:
        while time.monotonic() < ends:
            row = _next(channel, holder)
            if row is None:
                break
            answer = send_through(channel, line=row.subject_line, body=_body(row), key=row.dedupe_key)
            state = _note(row, answer, channel, holder)
            if state is DeliveryState.PENDING:
                done.put_off += 1
                break
            done.sent += state is DeliveryState.SENT
            done.failed += state is DeliveryState.FAILED
            if pace := PACE.get(channel):
                time.sleep(pace.total_seconds())
    finally:
        _release(channel, holder)
    return done


def deliver_waiting(*, budget_s: float = 5.0) -> Delivered:
    """This will send what waits in every channel, one after the other: for processes outside Celery."""
    total = Delivered()
    for channel in channels_waiting():
        one = deliver(channel, budget_s=budget_s)
        total.sent, total.failed = total.sent + one.sent, total.failed + one.failed
        total.put_off += one.put_off
    return total


def send_through(channel: ChannelName, *, line: str, body: str, key: str) -> Answer:
    """This will make one attempt to send through `channel`, outside any transaction."""
    if channel is ChannelName.SLACK:
        return slack.post(settings.SLACK_WEBHOOK_URL, line=line, body=body)
    if channel is ChannelName.EMAIL:
        return email.send(line=line, body=body, to=settings.ALERT_EMAIL_TO, key=key)
    if channel is ChannelName.CONSOLE:
        return console.write(line=line, body=body)
    return Answer(Outcome.SENT, "kept")


def _lease(sql: str, channel: ChannelName, holder: str) -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, {"name": channel.value, "holder": holder, "lease": LEASE.total_seconds()})
        return cursor.fetchone() is not None


def _next(channel: ChannelName, holder: str) -> AlertDelivery | None:
    """The oldest waiting notice, marked as being sent; None when there is none or the channel was lost."""
    with transaction.atomic():
        if not _lease(_HOLD_SQL, channel, holder):
            return None
        row = (
            AlertDelivery.objects.filter(channel=channel.value, state=DeliveryState.PENDING.value)
            .order_by("id")
            .first()
        )
        if row is None:
            return None
        died = row.sending_since is not None
        AlertDelivery.objects.filter(pk=row.pk).update(
            attempt=F("attempt") + 1,
            sending_since=Now(),
            possible_duplicate=row.possible_duplicate or died,
        )
        row.refresh_from_db()
        return row


def _body(row: AlertDelivery) -> str:
    return f"{row.body}\n{DUPLICATE_NOTE}" if row.possible_duplicate else row.body


def _note(row: AlertDelivery, answer: Answer, channel: ChannelName, holder: str) -> DeliveryState:
    """Writes down what came of the attempt, and when the channel may be used next."""
    with transaction.atomic():
        now = _database_now()
        state = state_after(answer, age=now - row.created_at)
        entry = {
            "at": now.isoformat(),
            "attempt": row.attempt,
            "outcome": answer.outcome.value,
            "answer": answer.text[:500],
        }
        waiting = state is DeliveryState.PENDING
        changed = AlertDelivery.objects.filter(pk=row.pk, attempt=row.attempt).update(
            state=state.value,
            sending_since=None,
            possible_duplicate=row.possible_duplicate or (answer.unclear and waiting),
            answer=answer.text[:500],
            attempts=[*row.attempts, entry][-_ATTEMPTS_KEPT:],
            finished_at=None if waiting else now,
        )
        if not changed:
            logger.warning("Notice %s was taken over by another sender meanwhile.", row.pk)
        wait = wait_before(row.attempt, answer) if waiting else PACE.get(channel)
        if wait:
            AlertChannel.objects.filter(pk=channel.value, holder=holder).update(next_send_at=now + wait)
    if state is DeliveryState.FAILED:
        logger.error("Notice %s by %s is given up: %s", row.pk, channel.value, answer.text)
    elif waiting:
        logger.warning("Notice %s by %s is put off: %s", row.pk, channel.value, answer.text)
    return state


def _database_now() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def _release(channel: ChannelName, holder: str) -> None:
    with transaction.atomic():
        AlertChannel.objects.filter(pk=channel.value, holder=holder).update(holder="", lease_until=None)
