"""The pages of jobs and runs, as people with and without the right see them."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.urls import reverse
from django_celery_beat import models as stock
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from monitoring.models import JobRun, JobSchedule
from monitoring.services.schedules import read_schedule_rows, sync_schedule_rows
from tests.monitoring.runs import make_run

pytestmark = pytest.mark.django_db

_RUNS = "/admin/monitoring/jobrun/"
_JOBS = "/admin/monitoring/jobschedule/"


@pytest.fixture(autouse=True)
def _rows():
    sync_schedule_rows()


def _person(name, *permissions):
    user = User.objects.create_user(name, password="a long pass phrase", is_staff=True)
    for text in ("tenancy.use_control_plane", *permissions):
        app, _, codename = text.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return user


@pytest.fixture
def viewer(client):
    client.force_login(_person("vera", "monitoring.view_jobrun", "monitoring.view_jobschedule"))
    return client


@pytest.fixture
def operator(client):
    rights = ("view_jobrun", "view_jobschedule", "change_jobschedule", "run_job")
    client.force_login(_person("olga", *(f"monitoring.{right}" for right in rights)))
    return client


def _row(name):
    return PeriodicTask.objects.get(name=name)


def _run_selected(client, url, pks, action):
    return client.post(url, {"action": action, "_selected_action": pks}, follow=True)


def test_the_pages_of_the_package_are_gone():
    models = (stock.PeriodicTask, stock.CrontabSchedule, stock.IntervalSchedule, stock.ClockedSchedule)

    assert not any(admin.site.is_registered(model) for model in (*models, stock.SolarSchedule))


def test_the_list_of_jobs_shows_each_with_its_last_run(viewer):
    make_run("ops_report", state="done", outcome="findings", summary="2 gates fail")

    page = viewer.get(_JOBS).content.decode()

    assert "Daily ops report" in page
    assert "0 9 * * * Europe/London" in page
    assert "2 gates fail" in page
    assert "internal: probe_tick" in page


def test_the_list_of_jobs_costs_the_same_whatever_there_is(viewer, django_assert_max_num_queries):
    for hour in range(10):
        make_run("ops_report", at=f"2026-05-04T{hour:02}:00Z")

    with django_assert_max_num_queries(14):
        viewer.get(_JOBS)


@pytest.mark.parametrize("url", [_RUNS, _JOBS])
def test_who_may_only_look_can_do_nothing(viewer, url):
    run = make_run()
    pk = _row("ops_report").pk

    page = viewer.get(url).content.decode()
    _run_selected(viewer, _JOBS, [pk], "run_jobs_now")
    _run_selected(viewer, _RUNS, [run.pk], "run_again")
    changed = viewer.post(f"{_JOBS}{pk}/change/", {"cron": "* * * * *", "zone": "UTC"})

    assert 'name="action"' not in page
    assert changed.status_code == 403
    assert JobRun.objects.count() == 1
    assert _row("ops_report").enabled


def test_nobody_adds_or_deletes(admin_client):
    run = make_run()
    pk = _row("ops_report").pk

    answers = [
        admin_client.get(url).status_code
        for url in (f"{_RUNS}add/", f"{_JOBS}add/", f"{_RUNS}{run.pk}/delete/", f"{_JOBS}{pk}/delete/")
    ]

    assert answers == [403] * 4


def test_run_now_goes_through_the_ledger(operator):
    answer = _run_selected(
        operator, _JOBS, [_row("ops_report").pk, _row("internal: canary").pk], "run_jobs_now"
    )

    run = JobRun.objects.get()
    assert (run.job, run.trigger, run.requested_by, run.state) == ("ops_report", "person", "olga", "pending")
    text = answer.content.decode()
    assert "To be run within seconds: Daily ops report." in text
    assert "Not one of the 18 jobs, so not run: internal: canary." in text


def test_run_again_runs_each_job_once(operator):
    runs = [make_run("ops_report", at=f"2026-05-04T0{hour}:00Z", state="dead") for hour in range(3)]

    _run_selected(operator, _RUNS, [run.pk for run in runs], "run_again")

    assert JobRun.objects.filter(trigger="person").count() == 1


def test_an_operator_changes_when_and_whether(operator):
    pk = _row("ops_report").pk

    page = operator.get(f"{_JOBS}{pk}/change/").content.decode()
    answer = operator.post(
        f"{_JOBS}{pk}/change/",
        {"cron": "30 8 * * 1-5", "zone": "Europe/London", "every": "", "enabled": "on"},
    )

    assert 'value="0 9 * * *"' in page
    assert answer.status_code == 302
    assert str(read_schedule_rows()["ops_report"].schedule) == "30 8 * * 1-5 Europe/London"


def test_an_operator_cannot_type_a_task(operator):
    pk = _row("ops_report").pk

    operator.post(
        f"{_JOBS}{pk}/change/",
        {
            "cron": "0 9 * * *",
            "zone": "UTC",
            "enabled": "on",
            "task": "os.system",
            "name": "x",
            "headers": "[1]",
        },
    )

    row = _row("ops_report")
    assert (row.task, row.headers) == ("intelligence.tasks.ops_report", "{}")


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"cron": "nonsense"}, "five fields"),
        ({"cron": "61 * * * *"}, "Bad minute"),
        ({"cron": "*/5 * * * *", "zone": "Europe/London"}, "runs in UTC"),
        ({"cron": "0 0 30 2 *"}, "day-of-month"),
        ({"cron": "0 9 * * *", "every": "60"}, "not both"),
        ({}, "Give either a cron line or an interval"),
        ({"every": "0"}, "greater than or equal to 1"),
        ({"cron": "0 9 * * *", "zone": "Mars/Base"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_read_is_refused(operator, typed, message):
    pk = _row("ops_report").pk

    answer = operator.post(f"{_JOBS}{pk}/change/", {"zone": "UTC", "enabled": "on", **typed})

    assert answer.status_code == 200
    assert message in answer.content.decode()
    assert str(read_schedule_rows()["ops_report"].schedule) == "0 9 * * * Europe/London"


def test_a_row_nobody_can_read_is_shown_and_can_be_mended(operator):
    bad = CrontabSchedule.objects.create(minute="0", hour="0")
    PeriodicTask.objects.filter(name="ops_report").update(crontab=bad)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE django_celery_beat_crontabschedule SET timezone = 'Mars/Base' WHERE id = %s", [bad.pk]
        )
    pk = _row("ops_report").pk

    page = operator.get(_JOBS).content.decode()
    form = operator.get(f"{_JOBS}{pk}/change/")
    mended = operator.post(f"{_JOBS}{pk}/change/", {"cron": "0 9 * * *", "zone": "UTC", "enabled": "on"})

    assert "There is no time zone" in page
    assert form.status_code == 200
    assert mended.status_code == 302
    assert read_schedule_rows()["ops_report"].fault == ""


def test_the_ledger_is_read_only(admin_client):
    run = make_run(state="done", outcome="timed_out", summary="Not finished.")

    page = admin_client.get(reverse("admin:monitoring_jobrun_change", args=[run.pk])).content.decode()
    listed = admin_client.get(_RUNS).content.decode()

    assert 'name="_save"' not in page
    assert "timed out" in listed


def test_tenant_staff_see_no_jobs(client):
    from django.contrib.auth.models import Permission

    user = User.objects.create_user("tom", password="a long pass phrase", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="monitoring"))
    client.force_login(user)

    assert [client.get(url).status_code for url in (_RUNS, _JOBS)] == [403, 403]


def test_the_schedule_of_the_package_is_not_saved_through_the_page():
    assert JobSchedule._meta.proxy
