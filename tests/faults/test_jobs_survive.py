"""Beats and workers killed for real: no slot lost, none doubled."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from django.conf import settings
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from redis import Redis

from monitoring.models import BeatLease, CostEntry, JobRun
from monitoring.services.schedules import sync_schedule_rows
from tests.faults.celery_processes import free_port, kill, processes, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault]


@pytest.fixture(autouse=True)
def _quiet_rows():
    """Only what a test switches on runs."""
    sync_schedule_rows()
    PeriodicTask.objects.update(enabled=False)
    Redis.from_url(settings.REDIS_URL).flushdb()


def _switch_on(*keys, every):
    interval = IntervalSchedule.objects.create(every=every, period="seconds")
    for row in PeriodicTask.objects.filter(name__in=keys):
        row.interval, row.crontab, row.enabled, row.last_run_at = interval, None, True, None
        row.save()


def _runs(job):
    return JobRun.objects.filter(job=job)


def _assert_every_slot_once(job, every):
    runs = list(_runs(job).order_by("scheduled_for"))
    steps = {after.scheduled_for - before.scheduled_for for before, after in pairwise(runs)}
    assert steps == {timedelta(seconds=every)}
    assert {run.outcome for run in runs if run.state == "done"} <= {"skipped", "ok", "findings"}
    # A run that was sent or taken twice would have been tried twice.
    assert {run.attempt for run in runs} <= {0, 1}


def test_two_beats_and_the_leader_killed_open_each_slot_once(tmp_path):
    _switch_on("slo_monitoring", every=1)

    with processes(tmp_path) as started:
        started.worker()
        beats = [started.beat(), started.beat()]
        wait_until(lambda: _runs("slo_monitoring").filter(state="done").count() >= 3, started)
        leader = BeatLease.objects.get()
        pid = int(leader.holder.split(":")[1])
        kill(next(beat for beat in beats if beat.pid == pid))
        wait_until(lambda: BeatLease.objects.get().epoch > leader.epoch, started)
        before = _runs("slo_monitoring").count()
        wait_until(lambda: _runs("slo_monitoring").filter(state="done").count() >= before + 3, started)

    _assert_every_slot_once("slo_monitoring", every=1)


@pytest.mark.slow
def test_beat_killed_just_after_a_fire_doubles_and_misses_nothing(tmp_path):
    _switch_on("slo_monitoring", every=2)

    with processes(tmp_path) as started:
        started.worker()
        for _ in range(4):
            beat = started.beat()
            count = _runs("slo_monitoring").count()
            wait_until(lambda count=count: _runs("slo_monitoring").count() > count, started, seconds=15)
            kill(beat)
        # What the last beat committed and had no time to send, the worker's own sweeper sends.
        wait_until(lambda: not _runs("slo_monitoring").exclude(state="done").exists(), started)

    _assert_every_slot_once("slo_monitoring", every=2)


def test_a_run_of_a_killed_worker_is_finished_by_another_with_one_effect(tmp_path):
    run = JobRun.objects.create(
        job="kv_cost_sync", scheduled_for="2026-05-04T09:00Z", created_at="2026-05-04T09:00Z"
    )

    with processes(tmp_path, LEVQOR_TEST_WORK_S="3") as started:
        first = started.worker()
        wait_until(lambda: _runs("kv_cost_sync").filter(state="running").exists(), started)
        kill(first)
        started.worker()
        wait_until(lambda: _runs("kv_cost_sync").filter(state="done").exists(), started)

    run.refresh_from_db()
    assert (run.outcome, run.attempt) == ("ok", 2)
    assert CostEntry.objects.count() == 1


@pytest.mark.slow
def test_a_task_that_kills_its_child_is_given_up_and_harms_no_other(tmp_path):
    for job in ("scaling_check", "kv_cost_sync"):
        JobRun.objects.create(job=job, scheduled_for="2026-05-04T09:00Z", created_at="2026-05-04T09:00Z")

    with processes(tmp_path) as started:
        started.worker("--pool", "prefork", "--concurrency", "2")
        wait_until(
            lambda: JobRun.objects.filter(state__in=["done", "dead"]).count() == 2, started, seconds=60
        )

    dead, other = _runs("scaling_check").get(), _runs("kv_cost_sync").get()
    assert (dead.state, dead.outcome, dead.attempt) == ("dead", "error", 3)
    assert (other.state, other.outcome) == ("done", "ok")


@pytest.mark.slow
def test_no_run_is_lost_while_the_broker_is_down_or_forgets_everything(tmp_path):
    _switch_on("slo_monitoring", every=2)
    port = free_port()

    with processes(tmp_path, REDIS_URL=f"redis://127.0.0.1:{port}/0") as started:
        broker = started.broker(port)
        started.worker()
        started.beat()
        wait_until(lambda: _runs("slo_monitoring").filter(state="done").exists(), started)
        kill(broker)
        before = _runs("slo_monitoring").count()
        wait_until(lambda: _runs("slo_monitoring").count() >= before + 3, started)
        started.broker(port)
        wait_until(
            lambda: not _runs("slo_monitoring").exclude(state="done").filter(pk__lte=before + 3).exists(),
            started,
        )

    PeriodicTask.objects.update(enabled=False)
    _assert_every_slot_once("slo_monitoring", every=2)
