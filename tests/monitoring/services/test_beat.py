"""Beat's book of slots: pure of processes, with real rows of schedules."""

from datetime import UTC, datetime, timedelta

import pytest
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from monitoring.domain.runs import Outcome
from monitoring.jobs import TICKS
from monitoring.services.beat import SlotBook, TickBook, last_slots
from monitoring.services.schedules import read_schedule_rows, schedule_faults, sync_schedule_rows
from tests.monitoring.runs import make_run

pytestmark = pytest.mark.django_db

_NOW = datetime(2026, 5, 4, 8, 59, 58, tzinfo=UTC)  # a Monday
_SLOT = datetime(2026, 5, 4, 9, tzinfo=UTC)
_LONG_AGO = _NOW - timedelta(days=30)


@pytest.fixture(autouse=True)
def _rows():
    sync_schedule_rows()
    PeriodicTask.objects.update(last_run_at=_NOW, date_changed=_LONG_AGO)


def _book(now=_NOW):
    book = SlotBook()
    book.read(read_schedule_rows(), last_slots(now), now)
    return book


def _opened(book, now):
    return {(run.job, run.scheduled_for) for run in book.due(now)}


def _only(*keys):
    PeriodicTask.objects.exclude(name__in=keys).update(enabled=False)


def _every(seconds):
    return IntervalSchedule.objects.create(every=seconds, period="seconds")


def test_the_book_opens_what_is_due_and_nothing_before():
    book = _book()

    assert book.due(_NOW) == []
    assert book.next_due() == _SLOT
    assert _opened(book, _SLOT) == {
        (key, _SLOT)
        for key in (
            *("slo_monitoring", "alert_checks", "kv_cost_sync", "scaling_check"),
            *("intelligence_cycle", "synthetic_checks"),
        )
    }


def test_a_slot_is_due_once():
    book = _book()
    book.dealt_with(_SLOT)

    assert book.due(_SLOT + timedelta(seconds=5)) == []


def test_a_beat_that_comes_back_soon_opens_the_slots_of_its_absence():
    _only("slo_monitoring")
    PeriodicTask.objects.filter(name="slo_monitoring").update(interval=_every(10), crontab=None)

    book = _book(_NOW + timedelta(seconds=60))

    runs = book.due(_NOW + timedelta(seconds=60))
    assert [run.scheduled_for.second for run in runs] == [0, 10, 20, 30, 40, 50]
    assert {run.outcome for run in runs} == {None}


def test_a_beat_that_comes_back_late_runs_the_daily_job_and_writes_down_the_frequent_one():
    _only("ops_report", "slo_monitoring")
    PeriodicTask.objects.filter(name="ops_report").update(last_run_at=_NOW - timedelta(days=1))
    back = _SLOT + timedelta(hours=2, minutes=57, seconds=30)

    runs = _book(back).due(back)

    assert [(run.job, run.outcome) for run in runs if run.job == "ops_report"] == [("ops_report", None)]
    frequent = [run for run in runs if run.job == "slo_monitoring"]
    assert len(frequent) == 36
    assert {run.outcome for run in frequent} == {Outcome.MISSED}
    assert "This job is not run late" in frequent[-1].summary


def test_the_ledger_counts_more_than_the_row():
    """Beat was killed after the commit of the slot and before anything else."""
    make_run("slo_monitoring", _SLOT)
    now = _SLOT + timedelta(seconds=3)

    assert ("slo_monitoring", _SLOT) not in _opened(_book(now), now)
    assert ("alert_checks", _SLOT) in _opened(_book(now), now)


def test_a_run_by_hand_does_not_count_as_a_slot():
    make_run("slo_monitoring", _SLOT + timedelta(seconds=1), trigger="person")
    now = _SLOT + timedelta(seconds=3)

    assert ("slo_monitoring", _SLOT) in _opened(_book(now), now)


def test_a_future_last_run_is_clamped_and_the_job_goes_on():
    PeriodicTask.objects.filter(name="slo_monitoring").update(last_run_at=_NOW + timedelta(days=400))

    book = _book()

    assert book.clamped == ["slo_monitoring"]
    assert ("slo_monitoring", _SLOT) in _opened(book, _SLOT)


def test_a_job_switched_off_has_no_slots_and_switched_on_none_from_before():
    PeriodicTask.objects.filter(name="slo_monitoring").update(enabled=False)
    book = _book()
    during = _SLOT + timedelta(seconds=30)
    book.read(read_schedule_rows(), {}, during)
    PeriodicTask.objects.filter(name="slo_monitoring").update(enabled=True)

    book.read(read_schedule_rows(), {}, during + timedelta(seconds=3))

    assert "slo_monitoring" not in {run.job for run in book.due(during + timedelta(seconds=3))}
    assert ("slo_monitoring", _SLOT + timedelta(minutes=5)) in _opened(book, _SLOT + timedelta(minutes=5))


def test_an_edited_schedule_holds_from_its_edit_on():
    book = _book()
    noon = CrontabSchedule.objects.create(minute="0", hour="8", timezone="UTC")
    PeriodicTask.objects.filter(name="ops_report").update(crontab=noon)

    book.read(read_schedule_rows(), {}, _NOW + timedelta(seconds=1))

    assert "ops_report" not in {run.job for run in book.due(_NOW + timedelta(seconds=1))}
    tomorrow = datetime(2026, 5, 5, 8, tzinfo=UTC)
    assert book.lines["ops_report"].due == tomorrow


def test_a_new_row_counts_from_when_it_was_made():
    PeriodicTask.objects.filter(name="slo_monitoring").update(
        last_run_at=None, date_changed=_SLOT - timedelta(seconds=30)
    )
    now = _SLOT + timedelta(seconds=10)

    assert ("slo_monitoring", _SLOT) in _opened(_book(now), now)


def test_start_and_expiry_of_a_row_are_kept():
    PeriodicTask.objects.filter(name="slo_monitoring").update(start_time=_SLOT + timedelta(minutes=1))
    PeriodicTask.objects.filter(name="alert_checks").update(expires=_SLOT)
    book = _book()

    assert {"slo_monitoring", "alert_checks"} & {run.job for run in book.due(_SLOT)} == set()


_BAD_ROWS = [
    ({"headers": "[1]"}, "The row's headers are [1]; they belong empty: {}."),
    ({"headers": "{"}, "The row's headers are not JSON"),
    ({"args": "{}"}, "The row's args are {}; they belong empty: []."),
    ({"kwargs": "nonsense"}, "The row's kwargs are not JSON"),
    ({"crontab": None}, "neither a cron nor an interval schedule"),
]


@pytest.mark.parametrize(("fields", "fault"), _BAD_ROWS, ids=[fault for _, fault in _BAD_ROWS])
def test_a_bad_row_fails_its_own_job_only_and_visibly(fields, fault):
    PeriodicTask.objects.filter(name="slo_monitoring").update(**fields)

    runs = {run.job: run for run in _book().due(_SLOT)}

    assert runs["slo_monitoring"].outcome is Outcome.ERROR
    assert fault in runs["slo_monitoring"].summary
    assert runs["alert_checks"].outcome is None
    assert fault in schedule_faults(read_schedule_rows())["slo_monitoring"]


@pytest.mark.parametrize(
    "fields", [{"timezone": "Mars/Base"}, {"minute": "61"}, {"hour": "x"}, {"day_of_week": ""}]
)
def test_a_crontab_that_nobody_can_read_harms_no_other_row(fields):
    bad = CrontabSchedule.objects.create(minute="0", hour="0")
    PeriodicTask.objects.filter(name="slo_monitoring").update(crontab=bad)
    # By SQL, past every validator.
    columns, values = zip(*fields.items(), strict=True)
    _sql(
        f"UPDATE django_celery_beat_crontabschedule SET {columns[0]} = %s WHERE id = %s", [values[0], bad.pk]
    )

    runs = {run.job: run for run in _book().due(_SLOT)}

    assert runs["slo_monitoring"].outcome is Outcome.ERROR
    assert runs["alert_checks"].outcome is None


@pytest.mark.parametrize(("every", "period"), [(0, "seconds"), (-5, "minutes"), (10, "microseconds")])
def test_an_interval_that_is_none_harms_no_other_row(every, period):
    bad = IntervalSchedule.objects.create(every=every, period=period)
    PeriodicTask.objects.filter(name="slo_monitoring").update(interval=bad, crontab=None)

    runs = {run.job: run for run in _book().due(_SLOT)}

    assert runs["slo_monitoring"].outcome is Outcome.ERROR
    assert runs["alert_checks"].outcome is None


def _sql(statement, values):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_rows_of_no_job_are_never_run_and_are_named():
    PeriodicTask.objects.create(name="evil", task="os.system", interval=_every(1))

    book = _book()

    assert "evil" not in book.lines
    assert "never run" in schedule_faults(read_schedule_rows())["evil"]


def test_ticks_are_taken_once_and_dropped_when_late():
    ticks = TickBook()
    ticks.read(read_schedule_rows(), _NOW)

    first = ticks.take_due(_SLOT)
    again = ticks.take_due(_SLOT)
    late = ticks.take_due(_SLOT + timedelta(minutes=3, seconds=1))

    assert {task for task, _ in first} == {tick.task for tick in TICKS}
    assert again == []
    assert {task for task, _ in late} == {tick.task for tick in TICKS if tick.every.seconds <= 60}
    assert dict(first)["monitoring.tasks.probe_tick"] == _SLOT + timedelta(seconds=10)


def test_a_tick_switched_off_is_not_sent():
    PeriodicTask.objects.filter(name="internal: probe_tick").update(enabled=False)
    ticks = TickBook()
    ticks.read(read_schedule_rows(), _NOW)

    assert "monitoring.tasks.probe_tick" not in dict(ticks.take_due(_SLOT))
