"""What the portal tells everybody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor

from monitoring.domain.runs import RunState
from monitoring.domain.uptime import Uptime
from monitoring.domain.windows import Window
from monitoring.models import JobRun
from monitoring.services.uptime import platform_uptime

# An execution may begin on the evening before and end today.
_LONGEST_RUN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PublicMetrics:
    """Percentages from 0 to 100, floored to four decimals; None = not known."""

    uptime_rolling_7d: float | None
    uptime_rolling_30d: float | None
    coverage_7d: float | None
    # Job runs that ended since midnight UTC; None when no run was ever recorded.
    jobs_today: int | None
    # The share of changes to tenants that left an audit row. Nothing counts those changes independently of
    # the audit itself, so it is not known.
    audit_coverage: float | None


def read_public_metrics(now: datetime) -> PublicMetrics:
    """The figures at `now`. Eight queries, none on the log."""
    week = platform_uptime(Window.trailing(now, timedelta(days=7)), now)
    month = platform_uptime(Window.trailing(now, timedelta(days=30)), now)
    return PublicMetrics(
        uptime_rolling_7d=_uptime_percent(week),
        uptime_rolling_30d=_uptime_percent(month),
        coverage_7d=_percent(week.coverage),
        jobs_today=_jobs_today(now),
        audit_coverage=None,
    )


def _uptime_percent(uptime: Uptime) -> float | None:
    return None if uptime.uptime is None else _percent(uptime.uptime.likely)


def _percent(ratio: float) -> float:
    """Floored, so that nothing looks better than it is; rounded first in the digits a float cannot hold."""
    return floor(round(ratio * 1_000_000, 6)) / 10_000


def _jobs_today(now: datetime) -> int | None:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    ended = JobRun.objects.filter(
        scheduled_for__gte=midnight - _LONGEST_RUN,
        state=RunState.DONE.value,
        finished_at__gte=midnight,
        finished_at__lte=now,
    ).count()
    return ended if ended or JobRun.objects.exists() else None
