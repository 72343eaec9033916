"""`up` itself: servers, preparation, programs, and an orderly end.

`manage.py up` replaces itself by this module, so that the process that stays holds no Django.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from levqor.runtime import ADDRESS_FILE, PROBE_KEY_FILE, leftovers
from levqor.runtime.accounts import UnableToDropRoot
from levqor.runtime.children import RUN_MARK, Child
from levqor.runtime.files import write_json
from levqor.runtime.health import ask_health
from levqor.runtime.lock import UnableToLock, only_one
from levqor.runtime.ports import is_free, reached_at
from levqor.runtime.postgres import UnableToStartServer
from levqor.runtime.programs import ROOT, programs, watchdog
from levqor.runtime.servers import EmbeddedServers
from levqor.runtime.supervisor import Supervisor

_PROGRAM_RANK, _BROKER_RANK, _DATABASE_RANK = 2, 1, 0
_READY_EXPECTED_S = 60.0
_WATCHED_AFTER_S = 20.0
_ASK_EVERY_S, _LOOK_EVERY_S = 0.4, 1.0


class UnableToGoUp(Exception):
    """`up` cannot start; the message says why and how to mend it."""


def say(line: str) -> None:
    """One line for the person at the terminal."""
    # Without a terminal any more (SIGHUP, a closed pipe) there is nobody to tell, and we still have to stop.
    with suppress(OSError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


@contextmanager
def step(name: str) -> Iterator[None]:
    """Says what was done and how long it took."""
    began = time.monotonic()
    yield
    say(f"{name:<44}{time.monotonic() - began:6.1f} s")


class Up:
    """One run of the portal over `var`."""

    def __init__(self, var: Path, host: str, port: int) -> None:
        self.var = var.resolve()
        self.host = host
        self.port = port
        self._servers = EmbeddedServers(
            self.var,
            with_postgres=not os.environ.get("DATABASE_URL"),
            with_valkey=not os.environ.get("REDIS_URL"),
            report=say,
        )
        self._supervisor = Supervisor(self.var / "log", say)
        self._watchdog: Child | None = None

    def run(self) -> None:
        """This will run the portal until a stop signal.

        Raises:
            UnableToGoUp, UnableToLock, UnableToStartServer, UnableToDropRoot: before anything serves.
        """
        self.var.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        (self.var / "static").mkdir(exist_ok=True)  # the web process warns about a missing one
        with only_one(self.var):
            try:
                self._clear_leftovers()
                self._require_port()
                environment = self._start_servers()
                with step("tables, schedules, first rows"):
                    self._prepare(environment)
                self._start_programs(environment)
                self._supervisor.run(self._announcer())
            finally:
                self._end()

    def _clear_leftovers(self) -> None:
        stopped = leftovers.stop_all(leftovers.marked(self.var), signal.SIGTERM, 10)
        if stopped:
            say(f"stopped {stopped} program(s) that a killed run left behind")

    def _require_port(self) -> None:
        if not is_free(self.port, self.host):
            raise UnableToGoUp(
                f"Nothing can listen on {self.host}:{self.port}: it is taken, or no address of ours. "
                "Set LEVQOR_PORT or LEVQOR_HOST, or stop the other program."
            )

    def _start_servers(self) -> dict[str, str]:
        embedded = self._servers.embedded
        if not embedded and not os.environ.get("SECRET_KEY"):
            raise UnableToGoUp("SECRET_KEY is not set. With servers of your own, set it in the environment.")
        addresses: dict[str, str] = {}
        if embedded:
            with step(" and ".join(embedded)):
                addresses = self._servers.start()
            if key := os.environ.get("SECRET_KEY"):
                addresses["SECRET_KEY"] = key
        for one in self._servers.started:
            rank = _DATABASE_RANK if one.child.name == "postgres" else _BROKER_RANK
            self._supervisor.adopt(one.child, one.process, stop_rank=rank)
        self._servers.started.clear()  # theirs is now the supervisor
        write_json(self.var / ADDRESS_FILE, {"pid": os.getpid(), "addresses": addresses})
        return {
            **os.environ,
            **addresses,
            RUN_MARK: str(self.var),
            "LEVQOR_VAR": str(self.var),
            "LEVQOR_HOST": self.host,
            "LEVQOR_PORT": str(self.port),
            "DJANGO_SETTINGS_MODULE": "levqor.settings",
            "PYTHONUNBUFFERED": "1",
            # glibc gives every thread an arena of its own; with these few threads that is only waste.
            "MALLOC_ARENA_MAX": "2",
        }

    def _prepare(self, environment: Mapping[str, str]) -> None:
        done = subprocess.run(
            [sys.executable, "manage.py", "prepare", "--base-url", _url(self._reachable_host, self.port)],
            cwd=ROOT,
            env=dict(environment),
            start_new_session=True,  # a Ctrl-C reaches us, and we end it
            check=False,
        )
        if done.returncode != 0:
            raise UnableToGoUp(f"The preparation failed (exit code {done.returncode}); see above.")

    def _start_programs(self, environment: dict[str, str]) -> None:
        key = self.var / PROBE_KEY_FILE
        if key.exists():
            environment.setdefault("LEVQOR_PROBE_KEY", key.read_text().strip())
        for child in programs(self.host, self.port, environment):
            self._start(child)
        self._watchdog = watchdog(environment)

    def _start(self, child: Child) -> None:
        self._supervisor.start(child, stop_rank=_PROGRAM_RANK)
        say(f"started {child.name}")

    def _announcer(self) -> Callable[[], float]:
        began = time.monotonic()
        announced = warned = False

        def announce() -> float:
            nonlocal announced, warned
            if announced:
                return _LOOK_EVERY_S
            # It looks once the others had their time to start: sooner, it would call their start a fault.
            if self._watchdog and time.monotonic() - began > _WATCHED_AFTER_S:
                self._start(self._watchdog)
                self._watchdog = None
            health = ask_health(self._reachable_host, self.port)
            if health.ready:
                announced = True
                say(f"ready at {_url(self.host, self.port)}/admin/")
                if self._watchdog:
                    self._start(self._watchdog)
            elif time.monotonic() - began > _READY_EXPECTED_S and not warned:
                warned = True
                say(f"no answer yet from: {health.missing}. Their logs are in {self.var / 'log'}")
            return _ASK_EVERY_S

        return announce

    @property
    def _reachable_host(self) -> str:
        return reached_at(self.host)

    def _end(self) -> None:
        say("stopping")
        self._supervisor.shut_down()
        self._servers.stop()
        (self.var / ADDRESS_FILE).unlink(missing_ok=True)
        say("stopped")


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `up`; 0 after an orderly stop, 1 when it cannot start."""
    parser = argparse.ArgumentParser(prog="manage.py up")
    parser.add_argument("--var", type=Path, required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args(arguments)

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        Up(given.var, given.host, given.port).run()
    except KeyboardInterrupt:
        return 0
    except (UnableToGoUp, UnableToLock, UnableToStartServer, UnableToDropRoot) as error:
        sys.stderr.write(f"up: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
