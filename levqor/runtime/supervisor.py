"""Keeps a few child programs alive, and stops them in order.

One thread, asleep but for signals, deaths and one look a second; no Django.
"""

from __future__ import annotations

import math
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from levqor.runtime import children
from levqor.runtime.children import Child
from levqor.runtime.logfiles import rotate_if_large

# Seconds before a child is started again, by how often it died in a row.
BACKOFF_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
# One that lived this long is not in a row of deaths any more.
STEADY_AFTER_S = 60.0
_LOOK_EVERY_S = 1.0
_FORCED_S = 5.0
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def backoff_s(deaths: int) -> float:
    """Seconds to wait after the given number of deaths in a row (1 or more)."""
    return BACKOFF_S[min(deaths, len(BACKOFF_S)) - 1]


@dataclass(slots=True)
class _Kept:
    child: Child
    process: subprocess.Popen[bytes]
    stop_rank: int
    started_at: float
    deaths: int = 0
    restart_at: float | None = None


class Supervisor:
    """Owns children: starts them again when they die, and on a stop signal ends them, highest rank first."""

    def __init__(self, log_folder: Path, say: Callable[[str], None]) -> None:
        self._log_folder = log_folder
        self._say = say
        self._kept: list[_Kept] = []
        self._stop_requests = 0

    def adopt(self, child: Child, process: subprocess.Popen[bytes], *, stop_rank: int) -> None:
        """This will keep a child that runs already."""
        self._kept.append(_Kept(child, process, stop_rank, time.monotonic()))

    def start(self, child: Child, *, stop_rank: int) -> None:
        """This will start a child and keep it."""
        self.adopt(child, children.spawn(child, self.log(child)), stop_rank=stop_rank)

    def log(self, child: Child) -> Path:
        """Where a child's output goes."""
        return self._log_folder / f"{child.name}.log"

    def run(self, tick: Callable[[], float] = lambda: _LOOK_EVERY_S) -> None:
        """This will keep the children alive until a stop signal comes.

        `tick` is called at every look and says how many seconds the next one may wait. Main thread only. The
        children still run when this returns or raises: call `shut_down`.
        """
        with self._signals() as wait:
            while not self._stop_requests:
                self._mourn()
                self._start_due()
                pause = tick()
                for kept in self._kept:
                    rotate_if_large(self.log(kept.child))
                wait(min(pause, self._next_start()))

    def shut_down(self) -> None:
        """This will stop all children, rank by rank, the highest first. A further stop signal forces it."""
        answered = self._stop_requests
        with self._signals() as wait:
            for rank in sorted({kept.stop_rank for kept in self._kept}, reverse=True):
                self._stop_rank([kept for kept in self._kept if kept.stop_rank == rank], answered, wait)
            self._kept.clear()

    def _stop_rank(self, leaving: list[_Kept], answered: int, wait: Callable[[float], None]) -> None:
        for kept in leaving:
            children.ask_to_stop(kept.process, kept.child)
        began = time.monotonic()
        forced = False
        while alive := [kept for kept in leaving if kept.process.poll() is None]:
            if self._stop_requests > answered and not forced:
                forced = True
                self._say(f"forced: {', '.join(kept.child.name for kept in alive)}")
                for kept in alive:
                    kept.process.send_signal(kept.child.force_signal)
            for kept in alive:
                allowed = min(kept.child.grace_s, _FORCED_S) if forced else kept.child.grace_s
                if time.monotonic() - began > allowed:
                    self._say(f"{kept.child.name} did not stop in {allowed:.0f} s: killed")
                    children.kill_group(kept.process)
            wait(0.1)
        for kept in leaving:
            children.kill_group(kept.process)

    def _mourn(self) -> None:
        now = time.monotonic()
        for kept in self._kept:
            if kept.restart_at is not None or kept.process.poll() is None:
                continue
            children.kill_group(kept.process)  # a web worker must not outlive its parent with the port
            kept.deaths = 1 if now - kept.started_at >= STEADY_AFTER_S else kept.deaths + 1
            pause = backoff_s(kept.deaths)
            kept.restart_at = now + pause
            self._say(
                f"{kept.child.name} died ({_ending(kept.process.returncode)}); starting it again in "
                f"{pause:.0f} s. Its log: {self.log(kept.child)}"
            )

    def _start_due(self) -> None:
        now = time.monotonic()
        for kept in self._kept:
            if kept.restart_at is not None and now >= kept.restart_at:
                kept.process = children.spawn(kept.child, self.log(kept.child))
                kept.started_at, kept.restart_at = now, None
                self._say(f"{kept.child.name} started again")

    def _next_start(self) -> float:
        due = [kept.restart_at for kept in self._kept if kept.restart_at is not None]
        return max(0.0, min(due) - time.monotonic()) if due else math.inf

    @contextmanager
    def _signals(self) -> Iterator[Callable[[float], None]]:
        """Yields a wait that ends early at a signal; counts requests to stop."""

        def stop(number: int, frame: FrameType | None) -> None:
            self._stop_requests += 1

        reader, writer = socket.socketpair()
        reader.setblocking(False)
        writer.setblocking(False)
        before = {one: signal.signal(one, stop) for one in _STOP_SIGNALS}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda number, frame: None)
        wake_before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)

        def wait(seconds: float) -> None:
            if select.select([reader], [], [], seconds)[0]:
                reader.recv(4096)

        try:
            yield wait
        finally:
            signal.set_wakeup_fd(wake_before)
            for one, handler in before.items():
                signal.signal(one, handler)
            reader.close()
            writer.close()


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
