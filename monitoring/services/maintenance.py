"""Silences and maintenance windows: who marked what, why, from when to when. Everything is audited."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from monitoring.domain.windows import Window
from monitoring.models import AlertRule, Endpoint, MaintenanceWindow, Silence
from tenancy.services.audit import append_audit
from tenancy.services.members import default_tenant


class UnableToMark(ValueError):
    """The silence or window cannot be as asked; the message says what to mend."""


@dataclass(frozen=True, slots=True)
class WindowTerms:
    """What a maintenance window says. Which endpoints: all, those of `component`, or those listed."""

    title: str
    reason: str
    starts_at: datetime
    ends_at: datetime
    mute_alerts: bool = True
    exclude_from_uptime: bool = False
    all_endpoints: bool = False
    component: str = ""
    endpoints: Sequence[Endpoint] = field(default=())


def _require_times(starts_at: datetime, ends_at: datetime) -> None:
    if starts_at >= ends_at:
        raise UnableToMark("It must begin before it ends.")


def _require_reason(reason: str) -> str:
    words = " ".join(reason.split())
    if not words:
        raise UnableToMark("Say why, so that whoever comes next knows.")
    return words[:500]


@transaction.atomic
def silence_alerts(
    *,
    rule: AlertRule | None,
    subjects: str,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    actor: str,
    now: datetime,
) -> Silence:
    """This will keep notices back from `starts_at` to `ends_at`. Alerts fire and are kept all the same.

    Raises:
        UnableToMark: when it would end before it begins or before now, or no reason is given.
    """
    _require_times(starts_at, ends_at)
    if ends_at <= now:
        raise UnableToMark("A silence that is over already silences nothing.")
    silence = Silence.objects.create(
        rule=rule,
        subjects=subjects.strip(),
        starts_at=starts_at,
        ends_at=ends_at,
        reason=_require_reason(reason),
        created_by=actor[:150],
        created_at=now,
    )
    _audit("alerts_silenced", actor, {"silence": silence.pk, **_said(silence)})
    return silence


@transaction.atomic
def end_silence(*, silence_id: int, actor: str, now: datetime) -> Silence:
    """This will end a silence now. What is still firing and was not told is told at the next evaluation.

    Raises:
        UnableToMark: when it is over already.
    """
    silence = Silence.objects.select_for_update(of=("self",)).select_related("rule").get(pk=silence_id)
    if silence.ends_at <= now:
        raise UnableToMark(f"It is over since {silence.ends_at:%Y-%m-%d %H:%M} UTC.")
    silence.starts_at, silence.ends_at = min(silence.starts_at, now), now
    silence.ended_by = actor[:150]
    silence.save(update_fields=["starts_at", "ends_at", "ended_by"])
    _audit("silence_ended", actor, {"silence": silence.pk, **_said(silence)})
    return silence


@transaction.atomic
def mark_maintenance(terms: WindowTerms, *, actor: str, now: datetime) -> MaintenanceWindow:
    """This will mark a maintenance window, which may lie in the past: the audit entry then says so.

    Raises:
        UnableToMark: when the terms do not hold.
    """
    _require_times(terms.starts_at, terms.ends_at)
    if not (terms.mute_alerts or terms.exclude_from_uptime):
        raise UnableToMark("Choose what it does: mute alerts, exclude from uptime, or both.")
    if not (terms.all_endpoints or terms.component or terms.endpoints):
        raise UnableToMark("Choose the endpoints: all, a component, or some of the list.")
    window = MaintenanceWindow.objects.create(
        title=terms.title.strip()[:100],
        reason=_require_reason(terms.reason),
        all_endpoints=terms.all_endpoints,
        component=terms.component,
        starts_at=terms.starts_at,
        ends_at=terms.ends_at,
        mute_alerts=terms.mute_alerts,
        exclude_from_uptime=terms.exclude_from_uptime,
        created_by=actor[:150],
        created_at=now,
    )
    window.endpoints.set(terms.endpoints)
    _audit("maintenance_marked", actor, _described(window, terms.endpoints))
    return window


@transaction.atomic
def end_maintenance(*, window_id: int, actor: str, now: datetime) -> MaintenanceWindow:
    """This will end a running window now.

    Raises:
        UnableToMark: when it has not begun (withdraw it) or is over.
    """
    window = _standing_window(window_id)
    if not window.starts_at < now < window.ends_at:
        raise UnableToMark(f"{window} does not run now. What was marked wrongly is withdrawn.")
    before, window.ends_at = window.ends_at, now
    window.save(update_fields=["ends_at"])
    _audit(
        "maintenance_ended",
        actor,
        {**_described(window, window.endpoints.all()), "was_to": before.isoformat()},
    )
    return window


@transaction.atomic
def withdraw_maintenance(*, window_id: int, actor: str, now: datetime) -> MaintenanceWindow:
    """This will take a window back as if it had never been marked; the row and who did it stay.

    Raises:
        UnableToMark: when it was withdrawn already.
    """
    window = _standing_window(window_id)
    window.withdrawn_at, window.withdrawn_by = now, actor[:150]
    window.save(update_fields=["withdrawn_at", "withdrawn_by"])
    _audit("maintenance_withdrawn", actor, _described(window, window.endpoints.all()))
    return window


def excluded_times(endpoints: Iterable[Endpoint], window: Window) -> dict[int, list[Window]]:
    """The maintenance that keeps each endpoint out of the uptime, by endpoint id. One query, or two."""
    rows = list(
        MaintenanceWindow.objects.touching(window.start, window.end)
        .filter(exclude_from_uptime=True)
        .prefetch_related("endpoints")
    )
    found: dict[int, list[Window]] = defaultdict(list)
    for endpoint in endpoints if rows else ():
        for row in rows:
            if row.concerns(endpoint):
                found[endpoint.pk].append(Window(row.starts_at, row.ends_at))
    return found


def _standing_window(window_id: int) -> MaintenanceWindow:
    window = MaintenanceWindow.objects.select_for_update().get(pk=window_id)
    if window.withdrawn_at is not None:
        raise UnableToMark(f"{window} was withdrawn already, by {window.withdrawn_by}.")
    return window


def _said(silence: Silence) -> dict[str, object]:
    return {
        "rule": silence.rule.key if silence.rule else "",
        "subjects": silence.subjects,
        "from": silence.starts_at.isoformat(),
        "to": silence.ends_at.isoformat(),
        "reason": silence.reason,
    }


def _described(window: MaintenanceWindow, endpoints: Iterable[Endpoint]) -> dict[str, object]:
    return {
        "window": window.pk,
        "title": window.title,
        "reason": window.reason,
        "endpoints": "all" if window.all_endpoints else sorted(endpoint.name for endpoint in endpoints),
        "component": window.component,
        "from": window.starts_at.isoformat(),
        "to": window.ends_at.isoformat(),
        "mute_alerts": window.mute_alerts,
        "exclude_from_uptime": window.exclude_from_uptime,
        "retroactive": window.retroactive,
    }


def _audit(event: str, actor: str, metadata: dict[str, object]) -> None:
    append_audit(tenant_id=default_tenant().pk, event=event, actor=actor, metadata=metadata)
