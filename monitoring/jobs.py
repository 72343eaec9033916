"""THE TABLE: the 18 jobs, and beneath it the internal ticks, which are not jobs.

A job's Celery task is named here as text and registered by `monitoring.tasks`; its work is registered beside
it (`services.work`). `sync_jobs` carries the table to the schedule rows that an operator can edit.
"""

from __future__ import annotations

from dataclasses import dataclass

from monitoring.domain.schedules import SKIP, Cron, Every, Misfire, run_once_late


@dataclass(frozen=True, slots=True)
class Job:
    """One of the 18: `time_limit` in seconds is how long a run may take."""

    key: str
    name: str
    schedule: Cron | Every
    # The app that owns the job's work.
    app: str
    misfire: Misfire
    time_limit: int

    @property
    def task(self) -> str:
        """The name of the job's Celery task."""
        return f"{self.app}.tasks.{self.key}"


@dataclass(frozen=True, slots=True)
class Tick:
    """Housekeeping of the portal itself: sent every so often, kept in no ledger, worthless when late."""

    key: str
    every: Every
    task: str

    @property
    def row_name(self) -> str:
        """The name of its schedule row, which marks it as internal."""
        return f"internal: {self.key}"


def _london(expr: str) -> Cron:
    return Cron(expr, "Europe/London")


# fmt: off
_M, _I = "monitoring", "intelligence"
_1H, _3H, _12H, _72H = (run_once_late(hours=hours) for hours in (1, 3, 12, 72))
_ROWS = (
    Job("retention_metrics",      "Daily retention metrics",          Cron("5 0 * * *"),      _I, _12H, 300),
    Job("slo_monitoring",         "SLO monitoring",                   Cron("*/5 * * * *"),    _M, SKIP, 120),
    Job("ops_report",             "Daily ops report",                 _london("0 9 * * *"),   _I, _12H, 300),
    Job("cost_forecast",          "Weekly cost forecast",             Cron("10 2 * * 1"),     _M, _72H, 300),
    Job("kv_cost_sync",           "Hourly KV cost sync",              Cron("0 * * * *"),      _M, _1H,  120),
    Job("growth_by_source",       "Daily growth retention by source", Cron("10 0 * * *"),     _I, _12H, 300),
    Job("governance_email",       "Weekly governance email",          _london("0 9 * * 0"),   _I, _72H, 300),
    Job("health_uptime",          "Health & uptime monitor",          Cron("0 */6 * * *"),    _M, _3H,  300),
    Job("cost_dashboard",         "Daily cost dashboard",             Cron("0 1 * * *"),      _M, _12H, 300),
    Job("sentry_health",          "Weekly Sentry health check",       Cron("0 10 * * 0"),     _M, _72H, 120),
    Job("pulse_summary",          "Weekly pulse summary",             _london("0 14 * * 5"),  _I, _72H, 300),
    Job("expansion_verification", "Nightly expansion verification",   Cron("0 2 * * *"),      _M, _12H, 300),
    Job("expansion_monitor",      "Weekly expansion monitor",         _london("30 14 * * 5"), _I, _72H, 300),
    Job("intelligence_cycle",     "Intelligence monitoring cycle",    Cron("*/15 * * * *"),   _I, SKIP, 300),
    Job("ai_insights",            "Weekly AI insights & trends",      Cron("30 10 * * 0"),    _I, _72H, 600),
    Job("scaling_check",          "Hourly scaling check",             Cron("0 * * * *"),      _I, SKIP, 120),
    Job("synthetic_checks",       "Synthetic endpoint checks",        Cron("*/15 * * * *"),   _M, SKIP, 300),
    Job("alert_checks",           "Alert threshold checks",           Cron("*/5 * * * *"),    _M, SKIP, 120),
)
# fmt: on

JOBS = {job.key: job for job in _ROWS}

TICKS = (
    # Claims due endpoints and hands them to workers in batches.
    Tick("probe_tick", Every(5), "monitoring.tasks.probe_tick"),
    # Proves the way beat → broker → worker → database.
    Tick("canary", Every(10), "monitoring.tasks.canary"),
    # Stores a verdict when it says something else than the newest one.
    Tick("verdict_watch", Every(60), "monitoring.tasks.verdict_watch"),
    # Hands the channels that have something to send to workers.
    Tick("notices", Every(5), "monitoring.tasks.notices_tick"),
    # The rules that cannot wait for the five-minute evaluation: bursts, and outages that must last a while.
    Tick("urgent_alerts", Every(30), "monitoring.tasks.urgent_alerts"),
    # Long outages of critical endpoints, and alerts whose rule says so, become incidents.
    Tick("incident_watch", Every(15), "monitoring.tasks.incident_watch"),
    # Each alert becomes an action that the intelligence app remembers.
    Tick("alert_actions", Every(60), "intelligence.tasks.note_alerts"),
    # The daily check at 09:00 UTC, and the checkpoint of the last day.
    Tick("routine", Every(60), "monitoring.tasks.routine"),
    # Partitions ahead, retention behind.
    Tick("housekeeping", Every(3600), "monitoring.tasks.housekeeping"),
)


def job_named(text: str) -> Job | None:
    """The job whose key or shown name is `text`."""
    return JOBS.get(text) or next((job for job in JOBS.values() if job.name == text), None)
