"""The embedded servers together: started in order, answered for by addresses, stopped in order."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from levqor.runtime import children
from levqor.runtime.accounts import server_account
from levqor.runtime.children import Child
from levqor.runtime.credentials import SECRETS_FILE, Credentials, ensure_credentials
from levqor.runtime.ports import remembered_port
from levqor.runtime.postgres import SUPERUSER, Postgres, UnableToStartServer
from levqor.runtime.valkey import Valkey

DATABASE = "levqor"
OWNER, APP = "levqor_owner", "levqor_app"
_PORT_ATTEMPTS = 5
# Recovery after a crash may take a while; as long as the server lives it is given time.
_READY_WITHIN_S = 300.0


@dataclass(frozen=True, slots=True)
class Started:
    """A child and its process."""

    child: Child
    process: subprocess.Popen[bytes]


class EmbeddedServers:
    """A private PostgreSQL and Valkey whose files lie under `var`.

    `fast` gives up safety in a crash for speed, and is for tests. `report` receives lines for people.
    """

    def __init__(
        self,
        var: Path,
        *,
        fast: bool = False,
        with_postgres: bool = True,
        with_valkey: bool = True,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.var = var.resolve()
        self.fast = fast
        self.started: list[Started] = []
        self._with_postgres = with_postgres
        self._with_valkey = with_valkey
        self._report = report
        self._postgres: Postgres | None = None

    @property
    def embedded(self) -> tuple[str, ...]:
        """The names of the servers that are embedded, for people."""
        wanted = {"PostgreSQL": self._with_postgres, "Valkey": self._with_valkey}
        return tuple(name for name, embedded in wanted.items() if embedded)

    def start(self) -> dict[str, str]:
        """This will start the servers and return their addresses by the names of the settings.

        Raises:
            UnableToStartServer: a server died or did not answer; its log is named.
            UnableToDropRoot: started by root, and no unprivileged account can be used.
        """
        # Started by root, the servers' account must pass through; what is secret in here has its own mode.
        self.var.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        lost = not (self.var / SECRETS_FILE).exists()
        credentials = ensure_credentials(self.var)
        addresses = {"SECRET_KEY": credentials.secret_key}
        try:
            if self._with_postgres:
                addresses |= self._start_postgres(credentials, password_lost=lost)
            if self._with_valkey:
                addresses |= self._start_valkey(credentials)
        except BaseException:
            self.stop()
            raise
        return addresses

    def stop(self) -> None:
        """This will stop what was started, the last first."""
        while self.started:
            one = self.started.pop()
            children.stop(one.process, one.child)

    def superuser_url(self) -> str:
        """The superuser's address, for provisioning roles (and tests). Not for the portal's own programs."""
        if self._postgres is None:
            raise RuntimeError("PostgreSQL is not embedded here, or not started.")
        return self._postgres.url(SUPERUSER, self._postgres.superuser_password, "postgres")

    def log(self, name: str) -> Path:
        """Where a server's output goes."""
        return self.var / "log" / f"{name}.log"

    def _start_postgres(self, credentials: Credentials, *, password_lost: bool) -> dict[str, str]:
        folder = self.var / "postgres"
        account = server_account(folder)

        def on_port(port: int) -> Postgres:
            return Postgres(folder, port, account, credentials.superuser_password, self.fast)

        existed = (folder / "PG_VERSION").exists()
        server = on_port(0)
        if existed and server.clear_leftovers():
            self._report("stopped a PostgreSQL that a killed run left behind")
        server.ensure_cluster(self._report)
        if existed and password_lost:
            server.reset_superuser_password()

        def attempt() -> tuple[Child, Callable[[int], bool]]:
            self._postgres = on_port(remembered_port(self.var, "postgres"))
            return self._postgres.child(), self._postgres.is_ready

        self._start(attempt)
        from tenancy.services.roles import ensure_roles  # late: the driver costs memory that only starts need

        ensure_roles(
            self.superuser_url(),
            database=DATABASE,
            owner_password=credentials.owner_password,
            app_password=credentials.app_password,
        )
        assert self._postgres is not None
        return {
            "DATABASE_URL": self._postgres.url(APP, credentials.app_password, DATABASE),
            "DATABASE_ADMIN_URL": self._postgres.url(OWNER, credentials.owner_password, DATABASE),
        }

    def _start_valkey(self, credentials: Credentials) -> dict[str, str]:
        folder = self.var / "valkey"
        account = server_account(folder)
        server = Valkey(folder, 0, account, credentials.valkey_password, self.fast)
        if folder.exists() and server.clear_leftovers():
            self._report("stopped a Valkey that a killed run left behind")

        def attempt() -> tuple[Child, Callable[[int], bool]]:
            nonlocal server
            port = remembered_port(self.var, "valkey")
            server = Valkey(folder, port, account, credentials.valkey_password, self.fast)
            server.ensure_settings()
            return server.child(), lambda pid: server.is_ready()

        self._start(attempt)
        return {"REDIS_URL": server.url()}

    def _start(self, attempt: Callable[[], tuple[Child, Callable[[int], bool]]]) -> None:
        # Another program may take the port between our look and the server's: it dies, we look again.
        for _ in range(_PORT_ATTEMPTS):
            child, is_ready = attempt()
            log = self.log(child.name)
            process = children.spawn(child, log)
            self.started.append(Started(child, process))
            if _wait_until_ready(process, is_ready):
                return
            self.started.pop()
            stopped_by_itself = process.poll() is not None
            children.stop(process, child)
            if not stopped_by_itself:
                raise UnableToStartServer(f"{child.name} lives but does not answer; see {log}")
        raise UnableToStartServer(f"{child.name} does not stay up. The end of {log}:\n{_tail(log)}")


def _wait_until_ready(process: subprocess.Popen[bytes], is_ready: Callable[[int], bool]) -> bool:
    until = time.monotonic() + _READY_WITHIN_S
    while process.poll() is None and time.monotonic() < until:
        if is_ready(process.pid):
            return True
        time.sleep(0.02)
    return False


def _tail(path: Path, lines: int = 8) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
