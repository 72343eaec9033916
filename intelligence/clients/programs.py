"""Programs of an allow-list, and the worker pool: what healing may start on this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence

from celery import current_app
from kombu.exceptions import OperationalError

TIMEOUT_S = 60
_LONGEST = 500


class UnableToRun(Exception):
    """What was asked for is not allowed, not there, or failed; the message says which."""


def run_command(name: str, allowed: Mapping[str, Sequence[str]]) -> str:
    """This will run the command that `allowed` lists as `name`, without a shell, and return what it wrote.

    Raises:
        UnableToRun: when the list has no such command, it cannot be started, takes over a minute or ends badly.
    """
    argv = allowed.get(name)
    if not argv:
        known = ", ".join(sorted(allowed)) or "nothing"
        raise UnableToRun(f"HEAL_COMMANDS has no command {name!r}; it lists {known}.")
    try:
        done = subprocess.run(
            list(argv), capture_output=True, text=True, timeout=TIMEOUT_S, check=False, env={}, cwd="/"
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnableToRun(f"{name} could not be run: {error}") from error
    told = (done.stdout or done.stderr).strip()[:_LONGEST]
    if done.returncode:
        raise UnableToRun(f"{name} ended with code {done.returncode}: {told}")
    return told or f"{name} ended with code 0."


def restart_workers() -> str:
    """This will ask every worker to replace its pool; running tasks end first.

    Raises:
        UnableToRun: when the broker does not take the message.
    """
    try:
        current_app.control.broadcast("pool_restart", arguments={"reload": False})
    except (OperationalError, OSError) as error:
        raise UnableToRun(f"The broker did not take the message: {error}") from error
    return "Every worker was asked to restart its pool."
