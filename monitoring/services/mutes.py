"""Who is not told of what, and when: silences and maintenance windows, as they are in force."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitoring.domain.alerting import Mute
from monitoring.models import Endpoint, MaintenanceWindow, Silence


def mutes_at(now: datetime) -> list[Mute]:
    """All that is muted at `now`. Two queries, a third and fourth only while a maintenance mutes."""
    mutes = [
        Mute(
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            rule=row.rule.key if row.rule else "",
            subjects=row.subjects,
            reason=f"Silenced by {row.created_by}: {row.reason}",
        )
        for row in Silence.objects.filter(starts_at__lte=now, ends_at__gt=now).select_related("rule")
    ]
    windows = list(
        MaintenanceWindow.objects.touching(now, now + timedelta(microseconds=1))
        .filter(mute_alerts=True)
        .prefetch_related("endpoints")
    )
    endpoints = list(Endpoint.objects.all()) if windows else []
    return mutes + [_mute_of(window, endpoints) for window in windows]


def _mute_of(window: MaintenanceWindow, endpoints: list[Endpoint]) -> Mute:
    return Mute(
        starts_at=window.starts_at,
        ends_at=window.ends_at,
        reason=f"In maintenance, marked by {window.created_by}: {window.reason}",
        endpoints=frozenset(endpoint.pk for endpoint in endpoints if window.concerns(endpoint)),
    )
