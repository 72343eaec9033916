"""sync_jobs, run_job and watchdog, as an operator calls them."""

import json
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from threading import Thread

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from monitoring.domain.runs import JobResult
from monitoring.jobs import JOBS, TICKS
from monitoring.models import BeatLease, JobRun, WorkerHeartbeat
from monitoring.services import watchdog
from monitoring.services.beat import take_lease
from monitoring.services.heartbeats import beat_of, sing
from tests.monitoring.runs import make_run, working

pytestmark = pytest.mark.django_db


def _call(*words, **options):
    out = StringIO()
    call_command(*words, stdout=out, **options)
    return out.getvalue()


def _exit(*words, **options):
    with pytest.raises(CommandError) as raised:
        _call(*words, **options)
    return raised.value.returncode, str(raised.value)


def test_sync_jobs_makes_the_rows_once():
    first = _call("sync_jobs")
    dates = dict(PeriodicTask.objects.values_list("name", "date_changed"))
    second = _call("sync_jobs")

    assert first.count("has no schedule row") == 18 + len(TICKS)
    assert "mended" not in second
    assert PeriodicTask.objects.filter(name__in=JOBS).count() == 18
    # Rows that need nothing are not touched: missed slots are counted from these dates.
    assert dict(PeriodicTask.objects.values_list("name", "date_changed")) == dates


def test_sync_jobs_shows_each_job_with_its_next_run():
    line = next(line for line in _call("sync_jobs").splitlines() if line.startswith("ops_report"))

    assert "Daily ops report" in line
    assert "0 9 * * * Europe/London" in line
    assert "next " in line


def test_sync_jobs_keeps_an_operators_edits_until_they_are_reset():
    _call("sync_jobs")
    often = IntervalSchedule.objects.create(every=7, period="seconds")
    PeriodicTask.objects.filter(name="slo_monitoring").update(interval=often, crontab=None)
    PeriodicTask.objects.filter(name="ops_report").update(enabled=False)

    shown = _call("sync_jobs")
    reset = _call("sync_jobs", reset=["SLO monitoring"])

    assert "drift: slo_monitoring runs every 7 s, the table says */5 * * * * UTC" in shown
    assert "drift: ops_report is disabled" in shown
    assert "drift: slo_monitoring" not in reset
    assert "drift: ops_report is disabled" in reset


def test_sync_jobs_mends_fields_nobody_should_touch_and_switches_off_what_is_no_job():
    _call("sync_jobs")
    PeriodicTask.objects.filter(name="slo_monitoring").update(task="os.system", headers="[1]", enabled=False)
    PeriodicTask.objects.create(name="old job", task="x", interval=IntervalSchedule.objects.create(every=1))

    _call("sync_jobs")

    row = PeriodicTask.objects.get(name="slo_monitoring")
    assert (row.task, row.headers, row.enabled) == ("monitoring.tasks.slo_monitoring", "{}", False)
    assert PeriodicTask.objects.get(name="old job").enabled is False


def test_sync_jobs_check_changes_nothing_and_exits_1_on_drift():
    code, _ = _exit("sync_jobs", check=True)
    assert code == 1
    assert not PeriodicTask.objects.exists()

    _call("sync_jobs")
    assert "drift" not in _call("sync_jobs", check=True)


def test_sync_jobs_knows_no_other_name():
    _, message = _exit("sync_jobs", reset=["nope"])

    assert "There is no job 'nope'. The jobs are: retention_metrics" in message


def test_run_job_runs_through_the_ledger():
    with working(lambda run: JobResult.ok("3 keys written")):
        said = _call("run_job", "kv_cost_sync")

    run = JobRun.objects.get()
    assert (run.outcome, run.trigger, run.requested_by) == ("ok", "command", "manage.py run_job")
    assert said.endswith("ok. 3 keys written\n")


def test_run_job_runs_a_past_slot_once():
    done = []

    def work(run):
        done.append(run.scheduled_for)
        return JobResult.ok("done")

    with working(work):
        _call("run_job", "kv_cost_sync", at="2026-05-04T09:00Z")
        again = _call("run_job", "kv_cost_sync", at="2026-05-04T10:00+01:00")

    assert done == [datetime(2026, 5, 4, 9, tzinfo=UTC)]
    assert "run before; nothing was done now" in again


def test_run_job_exits_1_when_the_job_fails():
    def fail(run):
        raise ValueError("no rates")

    with working(fail):
        code, message = _exit("run_job", "kv_cost_sync")

    assert (code, message) == (1, "kv_cost_sync failed: ValueError: no rates")
    assert JobRun.objects.get().outcome == "error"


def test_run_job_exits_3_on_findings_if_asked():
    with working(lambda run: JobResult.findings("2 keys are old")):
        calm = _call("run_job", "kv_cost_sync")
        code, _ = _exit("run_job", "kv_cost_sync", fail_on_findings=True)

    assert "findings. 2 keys are old" in calm
    assert code == 3


@pytest.mark.parametrize(
    ("words", "options", "message"),
    [
        (["nope"], {}, "There is no job 'nope'. The jobs are: retention_metrics"),
        (["kv_cost_sync"], {"at": "yesterday"}, "'yesterday' is no instant. Write e.g."),
        (["kv_cost_sync"], {"at": "2999-01-01T00:00Z"}, "lies in the future"),
    ],
)
def test_run_job_says_what_it_cannot_do(words, options, message):
    code, said = _exit("run_job", *words, **options)

    assert code == 1
    assert message in said


def _all_lives():
    _call("sync_jobs")
    take_lease("beat")
    beat_of("worker:1")
    sing()


def test_watchdog_finds_nothing_when_all_lives():
    _all_lives()

    assert json.loads(_call("watchdog", once=True, format="json")) == {"ok": True, "findings": []}


@pytest.mark.parametrize(
    ("break_it", "key"),
    [
        (lambda: BeatLease.objects.update(heartbeat_at=Now() - timedelta(seconds=31)), "beat"),
        (lambda: BeatLease.objects.all().delete(), "beat"),
        (lambda: WorkerHeartbeat.objects.filter(worker="worker:1").delete(), "worker"),
        (
            lambda: WorkerHeartbeat.objects.filter(worker="canary").update(
                heartbeat_at=Now() - timedelta(seconds=51)
            ),
            "canary",
        ),
        (lambda: make_run(created_at=Now() - timedelta(seconds=121)), "owed"),
        (lambda: PeriodicTask.objects.filter(name="ops_report").update(headers="[1]"), "schedule:ops_report"),
    ],
)
def test_watchdog_finds_the_part_that_is_silent(break_it, key):
    _all_lives()
    break_it()

    findings = watchdog.watch(datetime.now(UTC))

    assert [found.key for found in findings] == [key]


def test_watchdog_once_exits_1_and_says_why():
    code, _ = _exit("watchdog", once=True)

    assert code == 1


def test_watchdog_tells_a_change_once(caplog):
    from monitoring.management.commands.watchdog import Command

    _all_lives()
    command = Command()
    known = command._look({})
    BeatLease.objects.all().delete()

    known = command._look(command._look(known))
    take_lease("beat")
    known = command._look(known)

    lines = [
        record.getMessage() for record in caplog.records if record.getMessage().startswith("watchdog: beat")
    ]
    assert known == {}
    assert [line.split(":")[2][:8] for line in lines] == [" Beat is", " over"]


def test_the_deadman_is_pinged_only_while_all_is_well(settings):
    from monitoring.management.commands.watchdog import Command

    _all_lives()
    pings = []

    class Switch(BaseHTTPRequestHandler):
        def do_GET(self):
            pings.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Switch) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        settings.DEADMAN_URL = f"http://127.0.0.1:{server.server_port}/ping/me"
        settings.PROBE_ALLOWED_NETWORKS = ["127.0.0.0/8"]
        Command()._look({})
        BeatLease.objects.all().delete()
        Command()._look({})
        server.shutdown()

    assert pings == ["/ping/me"]


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.com", "http://127.0.0.1:1/", "http://169.254.169.254/latest"]
)
def test_the_deadman_url_must_be_one_the_prober_may_reach(url):
    with pytest.raises(watchdog.UnableToPing, match="DEADMAN_URL"):
        watchdog.ping_deadman(url)
