"""The portal's own programs, as children of `up`. A further one is a further row."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from levqor.runtime.children import Child

ROOT = Path(__file__).resolve().parent.parent.parent
WEB_THREADS = 8
WORKER_THREADS = 8
_WARM_STOP_S = 10.0


def programs(host: str, port: int, environment: Mapping[str, str]) -> list[Child]:
    """Web, worker and beat."""
    # No chatter between workers: the ledger in the database, not the broker, knows who is alive.
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    commands: dict[str, tuple[str, ...]] = {
        "web": (
            *("-m", "granian", "levqor.wsgi:application", "--interface", "wsgi", "--no-ws"),
            *("--host", host, "--port", str(port), "--workers", "1"),
            *("--blocking-threads", str(WEB_THREADS), "--backpressure", str(WEB_THREADS * 8)),
            *("--workers-kill-timeout", "8", "--no-access-log", "--log-level", "warning"),
        ),
        # Threads: one process, and a batch of probes waits in libcurl, not in Python.
        "worker": (
            *("-m", "celery", "--app", "levqor", "worker", "--pool", "threads"),
            *("--concurrency", str(WORKER_THREADS), *quiet),
        ),
        "beat": ("-m", "celery", "--app", "levqor", "beat", "--pidfile="),
    }
    return [_python(name, command, environment) for name, command in commands.items()]


def watchdog(environment: Mapping[str, str]) -> Child:
    """The watch from outside Celery; to be started once the others had time to start."""
    return _python("watchdog", ("manage.py", "watchdog"), environment)


def _python(name: str, command: tuple[str, ...], environment: Mapping[str, str]) -> Child:
    return Child(name, (sys.executable, *command), environment, folder=ROOT, grace_s=_WARM_STOP_S)
