"""What workers do for the intelligence: each task reads the clock, calls one service and says what it did."""

from __future__ import annotations

from celery import shared_task

from intelligence.services import alert_actions
from tenancy.celery import ControlTask


@shared_task(name="intelligence.tasks.note_alerts", base=ControlTask, expires=60)
def note_alerts() -> str:
    """Remember each alert as an action."""
    return f"{alert_actions.note_alerts()} alerts noted"
