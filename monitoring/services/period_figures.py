"""What was counted in a span of time: for the daily check, the checkpoint and the reports."""

from __future__ import annotations

from dataclasses import dataclass

from monitoring.domain.observing import Severity
from monitoring.domain.rollups import Counts
from monitoring.domain.runs import Outcome, RunState
from monitoring.domain.windows import Window
from monitoring.models import AlertEpisode, Incident, JobRun, OpsLogEntry
from monitoring.services.rollups import count_observations

# Without a run of these nobody looked, and "none" would be a guess.
_ALERT_JOB = "alert_checks"
_HEAL_JOB = "intelligence_cycle"
_LOOKED = (Outcome.OK.value, Outcome.FINDINGS.value)


@dataclass(frozen=True, slots=True)
class PeriodFigures:
    """Counts over `window`; None where nobody looked. `latency_ms` is the mean over answered probes."""

    window: Window
    counts: Counts
    p1_incidents: int
    alerts: int | None
    heals: int | None

    @property
    def server_errors(self) -> int | None:
        """5xx answers; None when nothing was observed."""
        return self.counts.server_errors if self.counts.total else None

    @property
    def latency_ms(self) -> float | None:
        """None when nothing answered."""
        return self.counts.latency_sum_ms / self.counts.latency_count if self.counts.latency_count else None

    @property
    def error_share(self) -> float | None:
        """Bad observations as a share from 0 to 1; None when nothing was observed."""
        return self.counts.bad / self.counts.total if self.counts.total else None


def count_period(window: Window) -> PeriodFigures:
    """The counts of `window`. At most six queries; needs the control plane's scope."""
    alerts = AlertEpisode.objects.filter(fired_at__gte=window.start, fired_at__lt=window.end).count()
    heals = OpsLogEntry.objects.heals(window.start, window.end).count()
    p1 = Incident.objects.touching(window.start, window.end).filter(severity=Severity.P1.value)
    return PeriodFigures(
        window=window,
        counts=sum(count_observations(window).values(), Counts()),
        p1_incidents=p1.count(),
        alerts=alerts if alerts or _ran(_ALERT_JOB, window) else None,
        heals=heals if heals or _ran(_HEAL_JOB, window) else None,
    )


def _ran(job: str, window: Window) -> bool:
    return JobRun.objects.filter(
        job=job,
        state=RunState.DONE.value,
        outcome__in=_LOOKED,
        scheduled_for__gte=window.start,
        scheduled_for__lt=window.end,
    ).exists()
