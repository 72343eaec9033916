"""Beat's own turns, in this process, against the real database and broker."""

from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
import time_machine
from celery import Celery, current_app
from django.conf import settings as portal_settings
from django.db import connection
from django.db.models.functions import Now
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from monitoring.clients import broker
from monitoring.models import BeatLease, JobRun
from monitoring.scheduler import LedgerScheduler
from monitoring.services.schedules import sync_schedule_rows

pytestmark = pytest.mark.django_db(transaction=True)

_MONDAY = datetime(2026, 5, 4, 8, 59, 59, tzinfo=UTC)
_NINE = _MONDAY + timedelta(seconds=1)


@pytest.fixture
def clock():
    """A clock that stands still until it is told to move. The database's goes on."""
    with time_machine.travel(_MONDAY, tick=False) as travelled:
        sync_schedule_rows()
        PeriodicTask.objects.filter(name__startswith="internal").update(enabled=False)
        PeriodicTask.objects.update(last_run_at=_MONDAY)
        broker._client(0.5).delete(portal_settings.CELERY_TASK_DEFAULT_QUEUE)
        yield travelled


def _beat():
    return LedgerScheduler(app=current_app, lazy=True)


def _turn(beat):
    """One turn in which everything regular is due."""
    beat._done_at.clear()
    return beat.tick()


def _slots(job):
    return list(
        JobRun.objects.filter(job=job).order_by("scheduled_for").values_list("scheduled_for", "outcome")
    )


def test_a_turn_opens_what_is_due_and_sends_it(clock):
    beat = _beat()
    sleep = _turn(beat)
    before = JobRun.objects.count()
    clock.move_to(_NINE)

    beat.tick()

    # Six jobs have a slot at nine; the last-run column of their rows follows.
    assert (before, JobRun.objects.count(), broker.depth()) == (0, 6, 6)
    assert sleep == 1.0
    assert PeriodicTask.objects.get(name="slo_monitoring").last_run_at == _NINE


def test_the_sleep_ends_with_the_next_slot(clock):
    beat = _beat()
    _turn(beat)
    clock.move_to(_NINE - timedelta(milliseconds=250))

    assert beat.tick() == pytest.approx(0.25)


def test_two_beats_open_each_slot_once_and_the_second_takes_over(clock):
    first, second = _beat(), _beat()
    _turn(first)
    _turn(second)
    clock.move_to(_NINE)
    _turn(first)
    _turn(second)
    opened = JobRun.objects.count()
    first.close()
    clock.move_to(_NINE + timedelta(minutes=5))
    _turn(second)

    assert opened == 6
    assert _slots("slo_monitoring") == [(_NINE, ""), (_NINE + timedelta(minutes=5), "")]
    assert BeatLease.objects.get().epoch == 2


def test_a_beat_that_slept_through_its_lease_opens_nothing(clock):
    asleep, other = _beat(), _beat()
    _turn(asleep)
    BeatLease.objects.update(lease_until=Now() - timedelta(seconds=1))
    _turn(other)
    clock.move_to(_NINE)

    asleep._open_due(_NINE)

    assert JobRun.objects.count() == 0
    _turn(other)
    assert JobRun.objects.count() == 6


@pytest.mark.parametrize("way", ["update", "sql", "switch off"])
def test_an_edit_is_in_force_at_the_next_reading_whatever_the_way(clock, way):
    beat = _beat()
    _turn(beat)
    often = IntervalSchedule.objects.create(every=30, period="seconds")
    row = PeriodicTask.objects.filter(name="ops_report")
    if way == "update":
        row.update(interval=often, crontab=None)
    elif way == "sql":
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE django_celery_beat_periodictask SET interval_id = %s, crontab_id = NULL"
                " WHERE name = 'ops_report'",
                [often.pk],
            )
    else:
        PeriodicTask.objects.filter(name="slo_monitoring").update(enabled=False)

    _turn(beat)
    clock.move_to(_NINE)
    _turn(beat)

    ran = set(JobRun.objects.values_list("job", flat=True))
    assert ("ops_report" in ran) is (way != "switch off")
    assert ("slo_monitoring" in ran) is (way != "switch off")


def test_a_bad_row_fails_its_own_job_and_is_told_once(clock, caplog):
    PeriodicTask.objects.filter(name="slo_monitoring").update(headers="[1]")
    beat = _beat()
    _turn(beat)
    clock.move_to(_NINE)
    _turn(beat)
    _turn(beat)

    told = [record for record in caplog.records if "slo_monitoring" in record.getMessage()]
    assert _slots("slo_monitoring") == [(_NINE, "error")]
    assert _slots("alert_checks") == [(_NINE, "")]
    assert len(told) == 1


def test_a_future_last_run_is_put_right_in_the_row(clock, caplog):
    PeriodicTask.objects.filter(name="slo_monitoring").update(last_run_at=_NINE + timedelta(days=900))
    beat = _beat()
    _turn(beat)
    mended = PeriodicTask.objects.get(name="slo_monitoring").last_run_at
    clock.move_to(_NINE)
    _turn(beat)

    assert mended == _MONDAY
    assert _slots("slo_monitoring") == [(_NINE, "")]
    assert any("in the future" in record.getMessage() for record in caplog.records)


def test_beat_outlives_the_loss_of_the_database(clock, caplog):
    beat = _beat()
    _turn(beat)
    clock.move_to(_NINE)
    _cut_every_connection()

    lost = beat.tick()
    goes_on = beat.tick()

    assert (lost, goes_on) == (1.0, 1.0)
    assert JobRun.objects.count() == 6
    assert any("goes on after trouble" in record.getMessage() for record in caplog.records)


def _cut_every_connection():
    with psycopg2.connect(portal_settings.DATABASE_URL) as other, other.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
        )
    other.close()


def test_what_a_dead_broker_did_not_take_is_sent_when_it_lives_again(clock, monkeypatch):
    beat = _beat()
    _turn(beat)
    clock.move_to(_NINE)
    with monkeypatch.context() as patch:
        patch.setattr(
            broker, "current_app", Celery("dead", broker="redis://127.0.0.1:1/0", set_as_current=False)
        )
        _turn(beat)
        kept = JobRun.objects.filter(state="pending", published_at=None).count()

    _turn(beat)

    assert kept == 6
    assert broker.depth() == 6


def test_an_unexpected_error_does_not_stop_beat(clock, monkeypatch, caplog):
    beat = _beat()
    _turn(beat)
    clock.move_to(_NINE)
    with monkeypatch.context() as patch:
        patch.setattr("monitoring.services.ledger.open_slots", lambda *args, **kwargs: 1 / 0)
        assert beat.tick() == 1.0

    _turn(beat)

    assert JobRun.objects.count() == 6
    assert any("unexpected error" in record.getMessage() for record in caplog.records)


def test_ticks_are_sent_by_the_leader_and_dropped_while_the_queue_is_full(clock):
    PeriodicTask.objects.filter(name="internal: canary").update(enabled=True)
    leader, other = _beat(), _beat()
    _turn(leader)
    _turn(other)
    clock.move_to(_NINE)
    leader._send_ticks(_NINE)
    other._send_ticks(_NINE)
    sent = broker.depth()
    broker._client(0.5).lpush(portal_settings.CELERY_TASK_DEFAULT_QUEUE, *(["x"] * 500))
    clock.move_to(_NINE + timedelta(seconds=10))
    leader._send_ticks(_NINE + timedelta(seconds=10))

    assert sent == 1
    assert broker.depth() == 501


@pytest.mark.parametrize(
    ("day", "utc"),
    [("2026-03-29", "08:00"), ("2026-10-25", "09:00"), ("2026-10-26", "09:00"), ("2026-03-30", "08:00")],
)
def test_a_london_job_fires_once_on_the_days_of_a_clock_change(clock, day, utc):
    start = datetime.fromisoformat(f"{day}T00:00+00:00")
    PeriodicTask.objects.exclude(name="ops_report").update(enabled=False)
    PeriodicTask.objects.update(last_run_at=start)
    beat = _beat()

    for minute in range(0, 24 * 60, 30):
        clock.move_to(start + timedelta(minutes=minute, seconds=1))
        _turn(beat)

    assert _slots("ops_report") == [(datetime.fromisoformat(f"{day}T{utc}+00:00"), "")]


def test_beat_down_for_hours_runs_what_may_run_late_and_writes_down_the_rest(clock):
    clock.move_to(_NINE + timedelta(hours=6, seconds=150))
    PeriodicTask.objects.filter(name="ops_report").update(last_run_at=_MONDAY - timedelta(days=1))

    _turn(_beat())

    assert [outcome for _, outcome in _slots("ops_report")] == [""]
    missed = _slots("slo_monitoring")
    assert len(missed) == 73
    assert {outcome for _, outcome in missed} == {"missed"}
    assert JobRun.objects.filter(outcome="missed", summary="").count() == 0
