"""Name lookups that never hold up a probe of another host.

The system's resolver can only be called and waited for, so it is called in a few threads of its own. Lookups
of one name are shared while they run: a name server that hangs costs one thread per name, not one per probe.
"""

from __future__ import annotations

import os
import socket
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

# A lookup takes a host name and returns its addresses as text; it raises OSError when there are none.
Lookup = Callable[[str], tuple[str, ...]]
Found = tuple[str, ...] | OSError
Deliver = Callable[[Found], None]

THREADS: Final = 24
IDLE_S: Final = 5.0


def system_lookup(host: str) -> tuple[str, ...]:
    """Return every address that the system's resolver knows for a host name, in its order of preference."""
    # Bytes, because a str would go through the standard library's IDNA 2003.
    rows = socket.getaddrinfo(host.encode("ascii"), None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(row[4][0]) for row in rows))


class Resolver:
    """Runs lookups in at most `threads` daemon threads, which end after IDLE_S without work."""

    def __init__(self, lookup: Lookup = system_lookup, threads: int = THREADS) -> None:
        """Use `lookup` for every name."""
        self._lookup = lookup
        self._limit = threads
        self._changed = threading.Condition()
        self._queue: deque[str] = deque()
        self._waiting: dict[str, list[Deliver]] = {}
        self._running = 0
        self._idle = 0

    def submit(self, host: str, deliver: Deliver) -> None:
        """Look `host` up and call `deliver` with the answer, from another thread."""
        with self._changed:
            sharing = self._waiting.get(host)
            if sharing is not None:
                sharing.append(deliver)
                return
            self._waiting[host] = [deliver]
            self._queue.append(host)
            if self._idle >= len(self._queue) or self._running >= self._limit:
                self._changed.notify()
                return
            self._running += 1
        threading.Thread(target=self._work, name="probe-lookup", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                has_work = self._changed.wait_for(lambda: bool(self._queue), IDLE_S)
                self._idle -= 1
                if not has_work:
                    self._running -= 1
                    return
                host = self._queue.popleft()
            found: Found
            try:
                found = self._lookup(host)
            except OSError as error:
                found = error
            except Exception as error:  # noqa: BLE001 - whatever a lookup raises is an answer, or the probes hang
                found = OSError(f"{type(error).__name__} while looking the name up")
            with self._changed:
                waiting = self._waiting.pop(host)
            for deliver in waiting:
                deliver(found)


_system = Resolver()


def system_resolver() -> Resolver:
    """Return the resolver that all probes of this process share."""
    return _system


def _renew() -> None:
    global _system
    _system = Resolver()


# Threads do not survive a fork, and a lock may be held by one of them: a forked worker starts afresh.
os.register_at_fork(after_in_child=_renew)
