"""Programs that a killed run left behind, found by their working folder or by the run's mark."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from levqor.runtime.children import RUN_MARK


def working_in(folder: Path, program: str) -> list[psutil.Process]:
    """Processes of `program` working in `folder` (PostgreSQL and Valkey both go into their data)."""
    wanted = str(folder.resolve())
    return _matching(lambda found: program in found.name() and found.cwd() == wanted)


def marked(var: Path) -> list[psutil.Process]:
    """Processes that a run over `var` started and that are not ours to keep (we and our parents are)."""
    wanted = str(var.resolve())
    kept = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return _matching(lambda found: found.pid not in kept and found.environ().get(RUN_MARK) == wanted)


def _matching(belongs: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    found = []
    for candidate in psutil.process_iter():
        # Gone meanwhile, or another user's: neither can be ours.
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            if candidate.status() != psutil.STATUS_ZOMBIE and belongs(candidate):
                found.append(candidate)
    return found


def stop_all(found: list[psutil.Process], stop_signal: signal.Signals, grace_s: float) -> int:
    """This will stop the processes, by `stop_signal` or after `grace_s` by SIGKILL; how many there were."""
    for one in found:
        with suppress(psutil.NoSuchProcess):
            one.send_signal(stop_signal)
    _, alive = psutil.wait_procs(found, timeout=grace_s)
    for one in alive:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(alive, timeout=5)
    return len(found)
