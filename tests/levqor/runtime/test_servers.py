"""The embedded servers, real ones, started and killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest
from redis import Redis

from levqor.runtime import leftovers
from levqor.runtime.ports import remembered_port
from levqor.runtime.servers import EmbeddedServers

ROOT = Path(__file__).resolve().parents[3]
# Starts the servers over the folder given, says so, and waits to be killed.
STARTER = """
import sys, time
from pathlib import Path
from levqor.runtime.servers import EmbeddedServers
EmbeddedServers(Path(sys.argv[1]), fast=True).start()
print("started", flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServers]:
    servers = EmbeddedServers(tmp_path_factory.mktemp("embedded") / "var", fast=True)
    servers.start()
    yield servers
    servers.stop()


@pytest.fixture
def servers(first: EmbeddedServers) -> Iterator[EmbeddedServers]:
    """A stopped pair of servers whose cluster exists: making one costs a second."""
    first.stop()
    yield first
    first.stop()


def ask_both(addresses: dict[str, str]) -> tuple[str, str]:
    """Write and read through both addresses; who PostgreSQL says we are, what Valkey keeps."""
    connection = psycopg2.connect(addresses["DATABASE_URL"])
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_user::text")
        row = cursor.fetchone()
    connection.close()
    assert row is not None
    redis = Redis.from_url(addresses["REDIS_URL"], decode_responses=True)
    redis.set("kept", "yes")
    kept = redis.get("kept")
    redis.close()
    return row[0], str(kept)


def until(condition: Callable[[], bool], seconds: float = 15) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_start_answers_at_the_same_addresses_every_time(servers: EmbeddedServers) -> None:
    before = servers.start()
    servers.stop()

    again = servers.start()

    assert again == before
    assert ask_both(again) == ("levqor_app", "yes")


def test_stop_leaves_no_process(servers: EmbeddedServers) -> None:
    servers.start()
    pids = [one.process.pid for one in servers.started]

    servers.stop()

    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    assert not leftovers.working_in(servers.var / "postgres", "postgres")
    assert not leftovers.working_in(servers.var / "valkey", "valkey")


def test_start_recovers_from_servers_that_were_killed(servers: EmbeddedServers) -> None:
    servers.start()
    for one in servers.started:
        one.process.kill()

    restarted = EmbeddedServers(servers.var, fast=True)
    try:
        assert ask_both(restarted.start()) == ("levqor_app", "yes")
    finally:
        restarted.stop()


def test_start_ignores_a_pid_file_that_now_names_another_program(servers: EmbeddedServers) -> None:
    servers.start()
    servers.stop()
    stale = f"{os.getpid()}\n{servers.var / 'postgres'}\n1\n1\n\n127.0.0.1\n1 1\nready\n"
    (servers.var / "postgres" / "postmaster.pid").write_text(stale)

    addresses = servers.start()

    assert ask_both(addresses) == ("levqor_app", "yes")


def test_start_takes_another_port_when_the_remembered_one_is_taken(servers: EmbeddedServers) -> None:
    taken = json.loads((servers.var / "ports.json").read_text())["postgres"]
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", taken))
        squatter.listen()

        addresses = servers.start()

    assert f":{taken}/" not in addresses["DATABASE_URL"]
    assert ask_both(addresses) == ("levqor_app", "yes")


def test_a_lost_secrets_file_is_made_anew_and_the_server_takes_the_new_passwords(
    servers: EmbeddedServers,
) -> None:
    before = json.loads((servers.var / "secrets.json").read_text())
    (servers.var / "secrets.json").unlink()

    addresses = servers.start()

    assert ask_both(addresses) == ("levqor_app", "yes")
    assert before["app_password"] not in addresses["DATABASE_URL"]


def test_secrets_are_private_and_on_no_command_line(servers: EmbeddedServers) -> None:
    servers.start()
    secrets = json.loads((servers.var / "secrets.json").read_text()).values()

    lines = [" ".join(psutil.Process(one.process.pid).cmdline()) for one in servers.started]

    assert stat.S_IMODE((servers.var / "secrets.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((servers.var / "valkey" / "valkey.conf").stat().st_mode) == 0o600
    assert not [line for line in lines for secret in secrets if secret in line]


def test_servers_refuse_a_wrong_password(servers: EmbeddedServers) -> None:
    addresses = servers.start()
    password = json.loads((servers.var / "secrets.json").read_text())["app_password"]

    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(addresses["DATABASE_URL"].replace(password, "wrong"))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
@pytest.mark.fault
def test_servers_end_when_their_starter_is_killed(servers: EmbeddedServers) -> None:
    starter = subprocess.Popen([sys.executable, "-c", STARTER, servers.var], cwd=ROOT, stdout=subprocess.PIPE)
    assert starter.stdout is not None
    assert starter.stdout.readline() == b"started\n"

    starter.send_signal(signal.SIGKILL)
    starter.communicate()

    gone = until(lambda: not leftovers.working_in(servers.var / "postgres", "postgres"))
    assert gone
    assert until(lambda: not leftovers.working_in(servers.var / "valkey", "valkey"))


@pytest.mark.fault
def test_start_stops_servers_that_a_killed_run_left_running(servers: EmbeddedServers) -> None:
    servers.start()
    left = [one.process for one in servers.started]
    servers.started.clear()
    said: list[str] = []

    after = EmbeddedServers(servers.var, fast=True, report=said.append)
    try:
        addresses = after.start()

        assert ask_both(addresses) == ("levqor_app", "yes")
        assert [process.wait(5) for process in left] == [0, 0]
        assert len(said) == 2
    finally:
        after.stop()


def test_remembered_port_is_free_and_stays(tmp_path: Path) -> None:
    first_port = remembered_port(tmp_path, "name")

    assert remembered_port(tmp_path, "name") == first_port
