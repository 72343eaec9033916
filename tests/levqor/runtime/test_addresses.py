from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from levqor.runtime import ADDRESS_FILE, addresses


def write(var: Path, pid: int) -> None:
    (var / ADDRESS_FILE).write_text(json.dumps({"pid": pid, "addresses": {"REDIS_URL": "redis://here"}}))


def test_addresses_are_those_of_the_running_up(tmp_path: Path) -> None:
    write(tmp_path, os.getpid())

    assert addresses(tmp_path) == {"REDIS_URL": "redis://here"}


def test_addresses_of_a_dead_up_are_nothing(tmp_path: Path) -> None:
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    write(tmp_path, int(dead.stdout))

    assert addresses(tmp_path) == {}


def test_addresses_where_up_never_ran_are_nothing(tmp_path: Path) -> None:
    assert addresses(tmp_path / "nowhere") == {}


@pytest.mark.parametrize("command", [["check"], ["migrate", "--help"], ["up", "--help"]])
def test_commands_that_need_no_server_run_without_one(tmp_path: Path, command: list[str]) -> None:
    addressed = ("DATABASE_URL", "DATABASE_ADMIN_URL", "REDIS_URL", "SECRET_KEY")
    environment = {name: value for name, value in os.environ.items() if name not in addressed}

    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        env={**environment, "LEVQOR_VAR": str(tmp_path)},
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
