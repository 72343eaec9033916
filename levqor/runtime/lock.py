"""One `up` for each `var`."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK_FILE = "up.lock"


class UnableToLock(Exception):
    """Another `up` runs over the same folder; the message has its pid."""


@contextmanager
def only_one(var: Path) -> Iterator[None]:
    """Holds the folder's lock; the system lets go of it however we end.

    Raises:
        UnableToLock: another holds it.
    """
    path = var / LOCK_FILE
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise UnableToLock(
                f"`up` runs already over {var} (pid {holder}). Stop it (Ctrl-C there, or kill {holder}), "
                "or give this one a LEVQOR_VAR and a LEVQOR_PORT of its own."
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
