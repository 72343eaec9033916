"""Real beats, workers and brokers, started for a test and killed for real."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from django.db import connections

from levqor.runtime.valkey import program_path

ROOT = Path(__file__).resolve().parents[2]


class Processes:
    """The processes of one test; all are killed at its end, whatever happened."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._count = 0
        self.environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.faults.settings", **environment}

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a process; its output goes to a file of its own."""
        self._count += 1
        log = self._stack.enter_context((self._folder / f"{self._count}.log").open("wb"))
        process = subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
        )
        self._stack.callback(kill, process)
        return process

    def beat(self) -> subprocess.Popen[bytes]:
        """Start a beat."""
        return self.start(sys.executable, "-m", "celery", "-A", "levqor", "beat", "--pidfile=")

    def worker(self, *options: str) -> subprocess.Popen[bytes]:
        """Start a worker."""
        options = options or ("--pool", "threads", "--concurrency", "2")
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
        return self.start(sys.executable, "-m", "celery", "-A", "levqor", "worker", *options, *quiet)

    def broker(self, port: int) -> subprocess.Popen[bytes]:
        """Start a Valkey that keeps nothing on disk."""
        options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        return self.start(str(program_path()), *options)

    def output(self) -> str:
        """What all of them wrote, for a failure's message."""
        return "\n".join(
            path.read_text(errors="replace")[-3000:] for path in sorted(self._folder.glob("*.log"))
        )

    def close(self) -> None:
        """Kill them all."""
        self._stack.close()


@contextmanager
def processes(folder: Path, **environment: str) -> Iterator[Processes]:
    """Processes that do not outlive the block."""
    started = Processes(folder, **environment)
    try:
        yield started
    finally:
        started.close()
        connections.close_all()


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill -9, with every child."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=10)


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_until(condition: Callable[[], object], started: Processes, *, seconds: float = 40) -> None:
    """Wait until `condition` holds.

    Raises:
        AssertionError: when it does not within `seconds`, with what the processes wrote.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain\n{started.output()}")
        time.sleep(0.02)
