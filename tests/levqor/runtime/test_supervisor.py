"""The supervisor over small real programs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from levqor.runtime import leftovers
from levqor.runtime.children import RUN_MARK
from levqor.runtime.logfiles import rotate_if_large
from levqor.runtime.supervisor import backoff_s

ROOT = Path(__file__).resolve().parents[3]
# Two programs: "calm" stops when asked, "deaf" does not (and has a child of its own).
SUPERVISED = """
import os, sys
from pathlib import Path
from levqor.runtime.children import Child
from levqor.runtime.supervisor import Supervisor
var = Path(sys.argv[1])
env = {**os.environ, "LEVQOR_RUN_OF": str(var)}
calm = "import time; print('calm runs', flush=True); time.sleep(600)"
deaf = ("import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "print('deaf runs', flush=True); time.sleep(600)")
supervisor = Supervisor(var / "log", lambda line: print(line, flush=True))
for name, code in (("calm", calm), ("deaf", deaf)):
    supervisor.start(Child(name, (sys.executable, "-c", code), env, grace_s=float(sys.argv[2])), stop_rank=1)
print("running", flush=True)
supervisor.run()
supervisor.shut_down()
print("ended", flush=True)
"""


@pytest.mark.parametrize(
    ("deaths", "pause"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (7, 30), (99, 30)]
)
def test_backoff_grows_to_half_a_minute(deaths: int, pause: float) -> None:
    assert backoff_s(deaths) == pause


def test_rotate_if_large_keeps_three_and_leaves_the_file_to_its_writer(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    with log.open("a") as writer:
        for number in range(5):
            writer.write(f"{number}" * 20)
            writer.flush()
            assert rotate_if_large(log, max_bytes=10, kept=3)
        writer.write("after")

    assert log.read_text() == "after"
    assert [(tmp_path / f"web.log.{n}").read_text()[0] for n in (1, 2, 3)] == ["4", "3", "2"]
    assert not (tmp_path / "web.log.4").exists()


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(grace_s: float = 0.5) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISED, str(tmp_path), str(grace_s)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert line(process) == "running"
        for name in ("calm", "deaf"):
            log = tmp_path / "log" / f"{name}.log"
            assert until(lambda log=log: log.exists() and "runs" in log.read_text())  # type: ignore[misc]  # a default binds it
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
    leftovers.stop_all(leftovers.marked(tmp_path), signal.SIGKILL, 5)


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def until(condition: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def named(supervisor: subprocess.Popen[str], word: str) -> psutil.Process:
    found = [one for one in psutil.Process(supervisor.pid).children() if word in " ".join(one.cmdline())]
    assert len(found) == 1
    return found[0]


def test_a_child_that_dies_is_started_again_and_the_other_is_left_alone(
    supervised: Callable[..., subprocess.Popen[str]],
) -> None:
    supervisor = supervised()
    other = named(supervisor, "deaf runs")
    killed = named(supervisor, "calm runs")
    killed.kill()

    said = [line(supervisor), line(supervisor)]

    assert said[0].startswith("calm died (killed by SIGKILL); starting it again in 1 s")
    assert said[1] == "calm started again"
    assert named(supervisor, "calm runs").pid != killed.pid
    assert other.is_running()


def test_what_a_dead_child_had_started_dies_with_it(supervised: Callable[..., subprocess.Popen[str]]) -> None:
    supervisor = supervised()
    deaf = named(supervisor, "deaf runs")
    (grandchild,) = deaf.children()
    deaf.kill()

    line(supervisor)

    assert until(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE)


def test_a_stop_signal_ends_all_in_time_even_the_deaf(
    supervised: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    supervisor = supervised(grace_s=0.5)

    supervisor.send_signal(signal.SIGTERM)
    said, _ = supervisor.communicate(timeout=10)

    assert supervisor.returncode == 0
    assert said.splitlines() == ["deaf did not stop in 0 s: killed", "ended"]
    assert leftovers.marked(tmp_path) == []


def test_a_second_stop_signal_forces(
    supervised: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    supervisor = supervised(grace_s=300)
    calm = named(supervisor, "calm runs")
    supervisor.send_signal(signal.SIGINT)
    assert until(lambda: not calm.is_running() or calm.status() == psutil.STATUS_ZOMBIE)

    supervisor.send_signal(signal.SIGINT)
    said, _ = supervisor.communicate(timeout=10)

    assert said.splitlines() == ["forced: deaf", "ended"]
    assert leftovers.marked(tmp_path) == []


@pytest.mark.fault
def test_what_a_killed_supervisor_leaves_is_found_by_the_next(
    supervised: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    supervisor = supervised()

    supervisor.kill()
    supervisor.wait()
    stopped = leftovers.stop_all(leftovers.marked(tmp_path), signal.SIGTERM, 0.2)

    assert stopped >= 2  # the deaf one and its child, at least: they ignore their parent's end
    assert leftovers.marked(tmp_path) == []


def test_marked_does_not_take_us_for_a_leftover(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sleeper = subprocess.Popen(
        [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"],
        env={**os.environ, RUN_MARK: str(tmp_path)},
        stdout=subprocess.PIPE,
    )
    with sleeper:
        assert sleeper.stdout is not None
        sleeper.stdout.readline()

        found = leftovers.marked(tmp_path)
        sleeper.kill()

    assert [one.pid for one in found] == [sleeper.pid]
