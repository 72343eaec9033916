"""A whole portal, started as a person starts it, in a folder of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from levqor.runtime.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
READY = re.compile(r"ready at (http://\S+)/admin/")
_OWN = (
    "DATABASE_URL",
    "DATABASE_ADMIN_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "DJANGO_SETTINGS_MODULE",
    "CACHE_KEY_PREFIX",
    "CELERY_QUEUE",
)


@dataclass
class Portal:
    """A running `manage.py up`."""

    process: subprocess.Popen[str]
    environment: dict[str, str]
    output: Path
    url: str = ""
    ready_after_s: float = 0.0

    def manage(self, *words: str, check: bool = True) -> str:
        """The output of a command in a second terminal."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"manage.py {' '.join(words)} exited {done.returncode}: {done.stderr}")
        return done.stdout

    def get(self, path: str, token: str = "") -> tuple[int, dict[str, object]]:
        """Status and JSON body of an address of the portal."""
        request = urllib.request.Request(self.url + path)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


def portal_environment(var: Path) -> dict[str, str]:
    """An environment in which nothing is set but the folder and a free port."""
    kept = {name: value for name, value in os.environ.items() if name not in _OWN and "PYTEST" not in name}
    return {**kept, "LEVQOR_VAR": str(var / "var"), "LEVQOR_PORT": str(free_port()), "PYTHONUNBUFFERED": "1"}


def start_portal(var: Path, environment: dict[str, str] | None = None, *, patience_s: float = 120) -> Portal:
    """Start a portal and wait until it says that it is ready."""
    environment = environment or portal_environment(var)
    output = var / "up.log"
    began = time.monotonic()
    with output.open("a") as log:
        mark = log.tell()
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up"], cwd=ROOT, env=environment, stdout=log, stderr=log, text=True
        )
    portal = Portal(process, environment, output)
    while time.monotonic() - began < patience_s:
        found = READY.search(output.read_text()[mark:])
        if found:
            portal.url, portal.ready_after_s = found[1], time.monotonic() - began
            return portal
        if process.poll() is not None:
            break
        time.sleep(0.1)
    process.kill()
    raise AssertionError(f"the portal did not become ready:\n{output.read_text()}")


def stop_portal(portal: Portal, *, patience_s: float = 40) -> int:
    """Press Ctrl-C and wait; the exit code."""
    portal.process.send_signal(signal.SIGINT)
    return portal.process.wait(timeout=patience_s)


@contextmanager
def running_portal(var: Path) -> Iterator[Portal]:
    """A portal that is stopped again, whatever happens."""
    portal = start_portal(var)
    try:
        yield portal
    finally:
        if portal.process.poll() is None:
            stop_portal(portal)
