"""One child program: how to start it so that it cannot outlive us, and how to stop it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from levqor.runtime.accounts import Account

# Names the run a program belongs to, so that the next start finds what a killed one left over.
RUN_MARK = "LEVQOR_RUN_OF"

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Child:
    """What to run.

    `stop_signal` asks it to stop; it gets `grace_s` seconds before it is killed; `force_signal`
    ends it at once when somebody insists. Where the system can do it
    (Linux) it receives the same signal when we die, however we die.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    account: Account | None = None
    folder: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    force_signal: signal.Signals = signal.SIGKILL
    grace_s: float = 10.0


def spawn(child: Child, log: Path) -> subprocess.Popen[bytes]:
    """This will start `child` in a session of its own, with its output appended to `log`.

    Its own session keeps a Ctrl-C of the terminal away from it: we stop our children in order.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    account = child.account
    with log.open("ab") as output:
        return subprocess.Popen(
            child.command,
            env=dict(child.environment),
            cwd=child.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            preexec_fn=_die_with_parent(
                child.stop_signal
            ),  # after setuid, which would undo it; no threads here
        )


def _die_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    parent = os.getpid()

    def bind() -> None:
        if _libc is None:
            return
        _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # it died before we could ask to be told
            os._exit(1)

    return bind


def stop(started: subprocess.Popen[bytes], child: Child) -> bool:
    """This will stop `child` and all of its group; whether it stopped by itself within its grace."""
    ask_to_stop(started, child)
    try:
        started.wait(child.grace_s)
        in_time = True
    except subprocess.TimeoutExpired:
        in_time = False
    kill_group(started)
    return in_time


def ask_to_stop(started: subprocess.Popen[bytes], child: Child) -> None:
    """This will send the stop signal, if the child still runs."""
    if started.poll() is None:
        started.send_signal(child.stop_signal)


def kill_group(started: subprocess.Popen[bytes]) -> None:
    """This will kill whatever remains of the child's group, and reap the child."""
    with suppress(ProcessLookupError, PermissionError):  # nothing remains (macOS says EPERM for zombies)
        os.killpg(started.pid, signal.SIGKILL)
    started.wait()
