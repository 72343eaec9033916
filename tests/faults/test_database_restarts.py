"""PostgreSQL killed and started again under beat and a worker: nothing is lost, and all goes on by itself."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import closing
from datetime import timedelta
from itertools import pairwise

import psycopg2
import pytest

from levqor.runtime.servers import EmbeddedServers
from tests.faults.celery_processes import ROOT, processes, wait_until

pytestmark = [pytest.mark.fault, pytest.mark.slow]

_EVERY_TWO_SECONDS = """
    WITH i AS (INSERT INTO django_celery_beat_intervalschedule (every, period) VALUES (2, 'seconds')
               RETURNING id)
    UPDATE django_celery_beat_periodictask t
    SET interval_id = CASE WHEN name = 'slo_monitoring' THEN i.id ELSE interval_id END,
        crontab_id = CASE WHEN name = 'slo_monitoring' THEN NULL ELSE crontab_id END,
        enabled = name = 'slo_monitoring'
    FROM i
"""


@pytest.fixture
def servers(tmp_path):
    own = EmbeddedServers(tmp_path / "var", with_valkey=False)
    yield own
    own.stop()


def _ask(url, sql):
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def _manage(environment, *words):
    subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=environment, check=True, capture_output=True
    )


@pytest.mark.parametrize(("blow", "down_s"), [(signal.SIGINT, 0), (signal.SIGQUIT, 0), (signal.SIGKILL, 20)])
def test_no_run_is_lost_when_postgresql_goes_and_comes_back(servers, tmp_path, blow, down_s):
    addresses = servers.start()
    url = addresses["DATABASE_URL"]
    (tmp_path / "log").mkdir()

    with processes(tmp_path / "log", **addresses) as started:
        _manage(started.environment, "migrate", "-v0")
        _manage(started.environment, "sync_jobs")
        _ask(url, _EVERY_TWO_SECONDS)
        started.worker()
        started.beat()
        done = "SELECT count(*) FROM job_runs WHERE state = 'done'"
        wait_until(lambda: _ask(url, done)[0][0] >= 2, started)

        postgres = servers.started.pop().process
        postgres.send_signal(blow)
        postgres.wait(timeout=30)
        time.sleep(down_s)
        servers.start()
        back = time.monotonic()
        before = _ask(url, done)[0][0]
        wait_until(lambda: _ask(url, done)[0][0] > before + 1, started)
        recovered_after = time.monotonic() - back
        time.sleep(12)  # what was sent while the database was away is sent again after ten seconds
        runs = _ask(
            url,
            "SELECT scheduled_for, outcome, state FROM job_runs"
            " WHERE created_at < now() - interval '3 s' ORDER BY scheduled_for",
        )

    assert recovered_after < 10
    assert {after[0] - earlier[0] for earlier, after in pairwise(runs)} == {timedelta(seconds=2)}
    assert {(outcome, state) for _, outcome, state in runs} == {("skipped", "done")}
