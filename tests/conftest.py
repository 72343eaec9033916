"""Real servers, a database for each worker, no network but loopback."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings

from levqor.runtime.servers import EmbeddedServers
from tests import servers

# How long an example takes says nothing on a shared machine: speed is measured in bench/.
hypothesis_settings.register_profile("levqor", deadline=None)
hypothesis_settings.load_profile("levqor")

_running = pytest.StashKey[EmbeddedServers]()


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers, once for all workers, before anything reads the settings."""
    from django.conf import settings

    if settings.configured:
        raise pytest.UsageError(
            "Unset DJANGO_SETTINGS_MODULE: the settings were read before the servers ran."
        )
    if not hasattr(config, "workerinput"):
        config.stash[_running] = servers.start_servers()
        config.add_cleanup(lambda: servers.stop_servers(config.stash[_running]))
        # Not below /tmp/pytest-of-USER, which every other pytest closes to the account that servers run as.
        config.option.basetemp = config.option.basetemp or servers.run_folder() / "tmp"
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not worker and getattr(config.option, "numprocesses", None):
        return  # this process only hands out tests: its workers inherit the addresses and read the settings
    servers.address_worker(int(worker.removeprefix("gw") or 0))
    # Set here and not in pyproject.toml, where pytest-django would read the settings before the servers run.
    os.environ["DJANGO_SETTINGS_MODULE"] = "levqor.settings"
    settings.DATABASES  # noqa: B018  (reading one loads them, and pytest-django then sets Django up)


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """This worker's database, cloned from the migrated template; in place of pytest-django's own."""
    from django.db import connections
    from django.test import TransactionTestCase

    def clone() -> None:
        connections.close_all()
        servers.clone_database()

    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        clone()
        # After a test that really commits, Django would truncate every table, which our login may not and
        # which would lose the rows that migrations make. A new clone is exact, and as fast.
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda self: clone())
        yield
        connections.close_all()


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Iterator[None]:
    """Refuse every connection of Python's sockets that leaves this machine."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _refusing(getattr(socket.socket, name)))
        yield


def _refusing(connect: Any) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(str(address[0])):
            raise RuntimeError(f"The network is off in tests: {address[0]} is not this machine.")
        return connect(self, address)

    return guarded


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name: only this one is resolved without asking anybody
        return host == "localhost"
