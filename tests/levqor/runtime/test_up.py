"""The whole portal as `make run` starts it: everything real, everything killed once."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from levqor.runtime import leftovers
from levqor.runtime.lock import UnableToLock, only_one
from levqor.runtime.ports import is_free
from tests.portal_process import (
    ROOT,
    Portal,
    portal_environment,
    running_portal,
    start_portal,
    stop_portal,
)

KILLED = ("granian", "celery --app levqor worker", "celery --app levqor beat", "manage.py watchdog")
SERVERS = ("valkey-server", "bin/postgres")


def until(condition: Callable[[], bool], seconds: float = 40) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def children(portal: Portal) -> dict[str, psutil.Process]:
    """The living children of `up` by command line."""
    found = psutil.Process(portal.process.pid).children()
    return {" ".join(one.cmdline()): one for one in found if one.status() != psutil.STATUS_ZOMBIE}


def child(portal: Portal, words: str) -> psutil.Process:
    (found,) = (one for line, one in children(portal).items() if words in line)
    return found


def remaining(portal: Portal) -> list[psutil.Process]:
    var = Path(portal.environment["LEVQOR_VAR"])
    return [
        *leftovers.marked(var),
        *leftovers.working_in(var / "postgres", "postgres"),
        *leftovers.working_in(var / "valkey", "valkey"),
    ]


def is_well(portal: Portal) -> bool:
    try:
        return portal.get("/health")[0] == 200
    except OSError:
        return False


def second_up(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "up"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.fault
def test_up_restarts_what_is_killed_and_leaves_nothing_when_stopped(tmp_path: Path) -> None:
    with running_portal(tmp_path) as portal:
        assert until(lambda: "started watchdog" in portal.output.read_text())
        killed = [child(portal, words) for words in (*KILLED, *SERVERS)]

        for one in killed:
            one.kill()

        assert until(lambda: portal.output.read_text().count("started again") >= len(killed))
        assert until(lambda: is_well(portal))
        assert stop_portal(portal) == 0
    assert remaining(portal) == []
    assert not (tmp_path / "var" / "runtime.json").exists()


@pytest.mark.slow
@pytest.mark.fault
def test_up_goes_on_where_a_killed_one_stopped(tmp_path: Path) -> None:
    first = start_portal(tmp_path)
    burn_in = first.manage("burnin", "status")
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()

    second = start_portal(tmp_path, first.environment)

    try:
        assert second.manage("burnin", "status") == burn_in
        assert second.ready_after_s < 20
        assert second.output.read_text().count("one-time password") == 1
        written = json.loads((tmp_path / "var" / "runtime.json").read_text())
        assert written["pid"] == second.process.pid
    finally:
        stop_portal(second)
    assert remaining(second) == []


@pytest.mark.slow
def test_up_shows_the_first_password_once_and_in_no_log_and_refuses_a_second_up(tmp_path: Path) -> None:
    with running_portal(tmp_path) as portal:
        shown = re.findall(r"one-time password, shown only now: (\S{16,})", portal.output.read_text())
        logs = "".join(log.read_text() for log in (tmp_path / "var" / "log").iterdir())
        assert len(shown) == 1
        assert shown[0] not in logs

        same_var = second_up(portal.environment)
        same_port = second_up({**portal.environment, "LEVQOR_VAR": str(tmp_path / "other")})

    assert same_var.returncode == 1
    assert f"pid {portal.process.pid}" in same_var.stderr
    assert same_port.returncode == 1
    assert "Set LEVQOR_PORT" in same_port.stderr


@pytest.mark.slow
def test_ctrl_c_while_up_prepares_leaves_nothing(tmp_path: Path) -> None:
    environment = portal_environment(tmp_path)
    output = tmp_path / "up.log"
    with output.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up"], cwd=ROOT, env=environment, stdout=log, stderr=log, text=True
        )
    assert until(lambda: "PostgreSQL and Valkey" in output.read_text())

    process.send_signal(signal.SIGINT)

    assert process.wait(40) == 0
    assert remaining(Portal(process, environment, output)) == []
    assert is_free(int(environment["LEVQOR_PORT"]))


def test_only_one_names_the_holder(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(UnableToLock, match=r"pid \d+"), only_one(tmp_path):
        pytest.fail("two hold it")
