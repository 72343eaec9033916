"""How late beat opens and a worker begins 18 jobs that are all due at once, idle and with a busy machine.

Goal: opened within 50 ms at p99 under load. Run: python -m bench.beat_lag [seconds]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2

from levqor.runtime.servers import EmbeddedServers

ROOT = Path(__file__).resolve().parents[1]
GOAL_MS = 50.0
_ALL_EVERY_TWO_SECONDS = """
    WITH i AS (INSERT INTO django_celery_beat_intervalschedule (every, period) VALUES (2, 'seconds')
               RETURNING id)
    UPDATE django_celery_beat_periodictask t SET interval_id = i.id, crontab_id = NULL
    FROM i WHERE name NOT LIKE 'internal%'
"""
_LAG = "extract(epoch FROM {} - scheduled_for)"
_QUANTILES = f"percentile_cont(array[0.5, 0.99]) WITHIN GROUP (ORDER BY {_LAG})"
_LAGS = f"""
    SELECT count(*), {_QUANTILES.format("created_at")}, {_QUANTILES.format("started_at")}
    FROM job_runs WHERE created_at > %s AND state = 'done'
"""


def _ask(url: str, sql: str, *values: object) -> list[tuple[object, ...]]:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def _running(environment: dict[str, str], *commands: tuple[str, ...]) -> Iterator[None]:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = [subprocess.Popen(command, cwd=ROOT, env=environment, **quiet) for command in commands]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def _measure(url: str, title: str, seconds: float) -> float:
    [(begun,)] = _ask(url, "SELECT clock_timestamp()")
    time.sleep(seconds)
    [(count, opened, began)] = _ask(url, _LAGS, begun)
    opened_ms, began_ms = ([1000 * value for value in lags] for lags in (opened, began))
    print(f"{title}: {count} runs; opened after ms p50 {opened_ms[0]:.1f} p99 {opened_ms[1]:.1f}")
    print(f"    begun by a worker after ms p50 {began_ms[0]:.1f} p99 {began_ms[1]:.1f}")
    return opened_ms[1]


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    with tempfile.TemporaryDirectory() as folder:
        servers = EmbeddedServers(Path(folder) / "var")
        addresses = servers.start()
        environment = {**os.environ, **addresses, "LEVQOR_VAR": folder, "LOG_LEVEL": "ERROR"}
        environment["DJANGO_SETTINGS_MODULE"] = "levqor.settings"
        url = addresses["DATABASE_URL"]
        try:
            for words in (("migrate", "-v0"), ("sync_jobs",)):
                subprocess.run(
                    [sys.executable, "manage.py", *words],
                    cwd=ROOT,
                    env=environment,
                    check=True,
                    stdout=subprocess.DEVNULL,
                )
            _ask(url, _ALL_EVERY_TWO_SECONDS)
            celery = (sys.executable, "-m", "celery", "-A", "levqor")
            worker = (*celery, "worker", "--pool", "threads", "--concurrency", "4")
            burn = (sys.executable, "-c", "while True: sum(range(1000))")
            with _running(environment, (*celery, "beat", "--pidfile="), worker):
                time.sleep(8)
                _measure(url, "idle machine", seconds)
                with _running(environment, *[burn] * (os.cpu_count() or 1)):
                    p99 = _measure(url, "every core busy", seconds)
        finally:
            servers.stop()
    print(f"beat's lag under load: p99 {p99:.1f} ms = {p99 / GOAL_MS:.2f} x the goal of {GOAL_MS:.0f} ms")


if __name__ == "__main__":
    main()
