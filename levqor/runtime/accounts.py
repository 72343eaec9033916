"""The system account the embedded servers run under.

PostgreSQL refuses to run as root. Started by root, the servers therefore run as an unprivileged account, to
which their files belong; started by anybody else, they run as that user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

ACCOUNT = "levqor"
# Where no account can be made (no `useradd`, read-only /etc), one that exists for such purposes.
_SUBSTITUTES = ("postgres", "nobody")


class UnableToDropRoot(Exception):
    """There is no way to run the servers as somebody other than root."""


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged system account."""

    name: str
    uid: int
    gid: int


def server_account(data: Path) -> Account | None:
    """This will return the account for the servers, or None when we are not root and need none.

    A data directory that exists keeps its owner. Else the account `levqor` is taken, and made if missing.

    Raises:
        UnableToDropRoot: with what to do instead.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return _account(pwd.getpwuid(data.stat().st_uid))
    found = _named(ACCOUNT)
    if found is None and shutil.which("useradd"):
        subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT],
            check=False,  # a read-only /etc is no reason to stop: there are substitutes
            capture_output=True,
        )
        found = _named(ACCOUNT)
    for name in _SUBSTITUTES:
        found = found or _named(name)
    if found is None:
        raise UnableToDropRoot(
            f"PostgreSQL does not run as root, and there is no account {ACCOUNT!r}. Make one "
            f"(useradd --system {ACCOUNT}), start as an ordinary user, or set DATABASE_URL."
        )
    return found


def _named(name: str) -> Account | None:
    try:
        return _account(pwd.getpwnam(name))
    except KeyError:
        return None


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def give(path: Path, account: Account | None) -> None:
    """This will give the directory `path` (made 0700 if missing) and all in it to `account`."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account is None or path.stat().st_uid == account.uid:
        return
    for folder, _, files in os.walk(path):
        os.chown(folder, account.uid, account.gid)
        for file in files:
            os.chown(os.path.join(folder, file), account.uid, account.gid, follow_symlinks=False)


def open_the_way(paths: Iterable[Path], account: Account | None, report: Callable[[str], None]) -> None:
    """This will let `account` walk through every folder above `paths` (add `x` for others, never `r`).

    A clone under /root is the usual case: without this the account reaches neither its data nor the programs.
    Each folder changed is reported.

    Raises:
        UnableToDropRoot: a folder cannot be changed.
    """
    if account is None:
        return
    for folder in dict.fromkeys(parent for path in paths for parent in path.resolve().parents):
        mode = stat.S_IMODE(folder.stat().st_mode)
        if mode & stat.S_IXOTH or folder.stat().st_uid == account.uid:
            continue
        try:
            folder.chmod(mode | stat.S_IXOTH)
        except OSError as error:
            raise UnableToDropRoot(
                f"The account {account.name!r} cannot pass through {folder} ({error.strerror}). Allow it "
                f"(chmod o+x {folder}), move the clone, or set LEVQOR_VAR to a folder it can reach."
            ) from error
        report(
            f"opened {folder} for passage (mode {mode | stat.S_IXOTH:o}): the servers run as {account.name!r}"
        )


def let_read(folder: Path, account: Account | None) -> None:
    """This will make the programs under `folder` readable for others, where a strict umask hid them."""
    if account is None or folder.stat().st_mode & stat.S_IXOTH:
        return
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode | (mode & 0o500) >> 6 | (mode & 0o500) >> 3)
