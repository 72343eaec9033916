from datetime import UTC, datetime, timedelta

import pytest
from django.db.models.functions import Now

from monitoring.models import BeatLease, WorkerHeartbeat
from monitoring.services.beat import take_lease
from monitoring.services.heartbeats import beat_of, forget_the_dead, leave, sing
from monitoring.services.liveness import Sign, liveness
from tests.monitoring.runs import make_run, make_running

pytestmark = pytest.mark.django_db

_NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)


def test_a_portal_that_was_never_started_has_ages_of_none():
    parts = liveness(_NOW)

    assert (parts.beat, parts.worker, parts.canary) == (Sign.SILENT,) * 3
    assert (parts.beat_age_s, parts.worker_age_s, parts.canary_age_s, parts.oldest_owed_s) == (None,) * 4
    assert (parts.broker, parts.workers, parts.owed_runs, parts.ok) == (True, 0, 0, False)


def test_a_portal_that_lives():
    take_lease("beat")
    beat_of("worker:1")
    beat_of("worker:2")
    sing()
    make_run()
    make_running("ops_report", lease_s=5)

    parts = liveness(_NOW)

    assert parts.ok is True
    assert (parts.workers, parts.owed_runs) == (2, 2)
    assert 0 <= parts.beat_age_s < 5


def test_a_part_is_late_after_15_and_silent_after_30_seconds():
    take_lease("beat")
    beat_of("worker:1")
    BeatLease.objects.update(heartbeat_at=Now() - timedelta(seconds=31))
    WorkerHeartbeat.objects.update(heartbeat_at=Now() - timedelta(seconds=16))

    parts = liveness(_NOW)

    assert (parts.beat, parts.worker, parts.workers) == (Sign.SILENT, Sign.LATE, 1)
    assert parts.beat_age_s == pytest.approx(31, abs=1)


def test_the_canary_is_no_worker():
    sing()

    assert liveness(_NOW).worker is Sign.SILENT


def test_liveness_costs_the_same_whatever_there_is(django_assert_num_queries):
    for number in range(20):
        beat_of(f"worker:{number}")

    with django_assert_num_queries(3):  # the question, and the bounds of its transaction
        liveness(_NOW)


def test_workers_that_left_or_were_silent_for_a_day_are_forgotten():
    beat_of("worker:1")
    beat_of("worker:2")
    beat_of("worker:3")
    WorkerHeartbeat.objects.filter(worker="worker:2").update(heartbeat_at=Now() - timedelta(days=2))

    leave("worker:1")

    assert forget_the_dead() == 1
    assert list(WorkerHeartbeat.objects.values_list("worker", flat=True)) == ["worker:3"]
