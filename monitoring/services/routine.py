"""What the routine does by itself when its hour has come: the daily check, and the checkpoint of the last day."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from django.db import transaction

from monitoring.domain.burnin import BurnInState
from monitoring.domain.evidence import UnableToJudge
from monitoring.domain.opslog import OpsKind
from monitoring.domain.routine import checkpoint_due, daily_check_due
from monitoring.models import BurnIn, Checkpoint, OpsLogEntry
from monitoring.services.checkpoints import UnableToTakeCheckpoint, take_checkpoint
from monitoring.services.daily_check import UnableToRecord, record_daily_check
from monitoring.services.judging import current_burn_in

logger = logging.getLogger(__name__)
ACTOR = "schedule"
# A portal that was down at the hour does it when it is back, as long as the figures still mean that day.
_STILL_WORTH = timedelta(hours=72)


def keep_routine(*, now: datetime) -> str:
    """This will record the daily check and take the checkpoint, each once when it is due. Idempotent.

    Three queries while nothing is due.
    """
    # Each in a transaction of its own: a tick has a scope, and a scope needs one.
    with transaction.atomic():
        burn_in = current_burn_in()
    if burn_in is None or burn_in.starts_at > now or burn_in.state == BurnInState.REVIEWED.value:
        return "no burn-in is running"
    with transaction.atomic():
        daily = _daily(now)
    with transaction.atomic():
        checkpoint = _checkpoint(burn_in, now)
    done = [text for text in (daily, checkpoint) if text]
    return ", ".join(done) or "nothing is due"


def _daily(now: datetime) -> str:
    today = now.astimezone(UTC).date()
    if not daily_check_due(now):
        return ""
    if OpsLogEntry.objects.filter(kind=OpsKind.DAILY.value, day=today).exists():
        return ""
    try:
        entry = record_daily_check(now=now, operator=ACTOR)
    except (UnableToRecord, UnableToJudge) as error:
        logger.warning("Unable to record the daily check: %s", error)
        return f"daily check: {error}"
    return f"daily check of {entry.day} recorded"


def _checkpoint(burn_in: BurnIn, now: datetime) -> str:
    due = checkpoint_due(burn_in.starts_at, burn_in.ends_at)
    if not due <= now < due + _STILL_WORTH:
        return ""
    if Checkpoint.objects.filter(burn_in=burn_in, scheduled_for=due).exists():
        return ""
    try:
        take_checkpoint(now=now, actor=ACTOR, scheduled_for=due)
    except (UnableToTakeCheckpoint, UnableToJudge) as error:
        logger.warning("Unable to take the checkpoint: %s", error)
        return f"checkpoint: {error}"
    return f"checkpoint of {due:%Y-%m-%d} taken"
