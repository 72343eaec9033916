"""The table of jobs against the document that asked for it, and against what is built."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from celery import current_app

from monitoring.domain.schedules import Cron, is_subdaily
from monitoring.jobs import JOBS, TICKS, job_named
from monitoring.services.work import job_work, work_of
from tenancy.celery import ControlTask

_SHARED = Path(__file__).parents[3] / "shared"

# The jobs whose work comes with a later part: they end as "skipped: not built yet".
NOT_BUILT_YET = {
    "retention_metrics",
    "ops_report",
    "cost_forecast",
    "kv_cost_sync",
    "growth_by_source",
    "governance_email",
    "health_uptime",
    "cost_dashboard",
    "sentry_health",
    "pulse_summary",
    "expansion_verification",
    "expansion_monitor",
    "intelligence_cycle",
    "ai_insights",
    "scaling_check",
}

# Keys, shown names and schedules as the document gives them.
EXPECTED = {
    "retention_metrics": ("Daily retention metrics", "5 0 * * * UTC"),
    "slo_monitoring": ("SLO monitoring", "*/5 * * * * UTC"),
    "ops_report": ("Daily ops report", "0 9 * * * Europe/London"),
    "cost_forecast": ("Weekly cost forecast", "10 2 * * 1 UTC"),
    "kv_cost_sync": ("Hourly KV cost sync", "0 * * * * UTC"),
    "growth_by_source": ("Daily growth retention by source", "10 0 * * * UTC"),
    "governance_email": ("Weekly governance email", "0 9 * * 0 Europe/London"),
    "health_uptime": ("Health & uptime monitor", "0 */6 * * * UTC"),
    "cost_dashboard": ("Daily cost dashboard", "0 1 * * * UTC"),
    "sentry_health": ("Weekly Sentry health check", "0 10 * * 0 UTC"),
    "pulse_summary": ("Weekly pulse summary", "0 14 * * 5 Europe/London"),
    "expansion_verification": ("Nightly expansion verification", "0 2 * * * UTC"),
    "expansion_monitor": ("Weekly expansion monitor", "30 14 * * 5 Europe/London"),
    "intelligence_cycle": ("Intelligence monitoring cycle", "*/15 * * * * UTC"),
    "ai_insights": ("Weekly AI insights & trends", "30 10 * * 0 UTC"),
    "scaling_check": ("Hourly scaling check", "0 * * * * UTC"),
    "synthetic_checks": ("Synthetic endpoint checks", "*/15 * * * * UTC"),
    "alert_checks": ("Alert threshold checks", "*/5 * * * * UTC"),
}


def test_the_table_holds_the_18_jobs_as_asked_for():
    table = {key: (job.name, str(job.schedule)) for key, job in JOBS.items()}

    assert table == EXPECTED
    assert len(table) == 18


def test_the_table_names_the_jobs_of_the_seed():
    seed = _SHARED / "seed/burn-in-commenced.md"
    if not seed.exists():
        pytest.skip(f"the document is not here: {seed}")
    listed = re.findall(r"^✅ (.+?)(?: \((?:every .+?)\))?(?: 🆕)?$", seed.read_text(), re.MULTILINE)[:18]

    assert sorted(job.name for job in JOBS.values()) == sorted(listed)


def test_every_job_that_runs_within_the_day_is_in_utc():
    local = [key for key, job in JOBS.items() if job.schedule.zone != "UTC" and is_subdaily(job.schedule)]

    assert local == []


def test_every_job_and_tick_has_a_registered_task_of_the_control_plane():
    current_app.loader.import_default_modules()
    names = [job.task for job in JOBS.values()] + [tick.task for tick in TICKS]

    assert [name for name in names if name not in current_app.tasks] == []
    assert all(isinstance(current_app.tasks[name], ControlTask) for name in names)


def test_a_job_task_leaves_time_to_write_down_that_it_timed_out():
    current_app.loader.import_default_modules()

    for job in JOBS.values():
        task = current_app.tasks[job.task]
        assert task.time_limit == job.time_limit
        assert 0 < task.soft_time_limit < task.time_limit


def test_every_job_is_built_or_listed_as_not_built():
    current_app.loader.import_default_modules()

    assert {key for key in JOBS if work_of(key) is None} == NOT_BUILT_YET


def test_ticks_are_marked_as_internal_and_are_no_jobs():
    assert all(tick.row_name.startswith("internal: ") for tick in TICKS)
    assert {tick.key for tick in TICKS} & set(JOBS) == set()


@pytest.mark.parametrize("text", ["slo_monitoring", "SLO monitoring"])
def test_job_named_takes_the_key_or_the_shown_name(text):
    assert job_named(text) is JOBS["slo_monitoring"]


def test_job_named_knows_no_other():
    assert job_named("os.system") is None


def test_work_of_no_job_is_refused():
    with pytest.raises(LookupError, match="There is no job 'nope'; the jobs are: retention_metrics"):
        job_work("nope")(lambda run: None)


def test_all_schedules_are_cron_rows_an_operator_can_read():
    assert all(isinstance(job.schedule, Cron) for job in JOBS.values())
