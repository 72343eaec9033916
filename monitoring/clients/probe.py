"""The prober: many HTTP checks at once, safe to point at anything an operator types.

Every probe is a new connection to an address that was checked and pinned, on every redirect anew; see
`monitoring.domain.outbound` for what is refused. No more than 1 MiB of an answer is read, compressed answers
are not unpacked, and `timeout_s` covers the whole probe. One call makes its probes in one thread however many
there are, and any number of threads may call at once.
"""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Generator, Iterable
from queue import SimpleQueue
from typing import Final

import certifi

from monitoring.clients.probe_loop import Emit, LoopOptions, ProbeLoop
from monitoring.clients.resolver import Lookup, Resolver, system_resolver
from monitoring.domain.outbound import OutboundPolicy
from monitoring.domain.probes import ErrorClass, ProbeRequest, ProbeResult

__all__ = ["ErrorClass", "ProbeRequest", "ProbeResult", "probe_batch", "probe_stream"]

MAX_CONCURRENT: Final = 500
LOOPS_KEPT: Final = 4

_kept: list[ProbeLoop] = []
_kept_lock = threading.Lock()


def _forget_loops() -> None:
    global _kept, _kept_lock
    _kept, _kept_lock = [], threading.Lock()


# A forked worker shares its parent's sockets and epoll; it opens its own.
os.register_at_fork(after_in_child=_forget_loops)


def _run(
    loop: ProbeLoop,
    requests: Iterable[ProbeRequest],
    options: LoopOptions,
    emit: Emit,
    abandoned: threading.Event,
) -> None:
    """Run and keep the loop for the next call, or close it when it did not come to its end."""
    finished = False
    try:
        finished = loop.run(requests, options, emit, abandoned)
    finally:
        with _kept_lock:
            keep = finished and len(_kept) < LOOPS_KEPT
            if keep:
                _kept.append(loop)
        if not keep:
            loop.close()


def _take_loop() -> ProbeLoop:
    with _kept_lock:
        return _kept.pop() if _kept else ProbeLoop()


def _options(
    policy: OutboundPolicy,
    max_concurrent: int,
    flush_every_s: float,
    ca_bundle: str | None,
    lookup: Lookup | None,
) -> LoopOptions:
    if max_concurrent < 1:
        raise ValueError(f"max_concurrent is {max_concurrent}; give at least 1")
    # Half of the open files this process may have: the other half is for everybody else in it.
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return LoopOptions(
        policy=policy,
        resolver=system_resolver() if lookup is None else Resolver(lookup),
        max_concurrent=min(max_concurrent, max(1, files // 2)) if files > 0 else max_concurrent,
        flush_every_s=flush_every_s,
        ca_bundle=ca_bundle or certifi.where(),
    )


def probe_batch(
    requests: Iterable[ProbeRequest],
    *,
    policy: OutboundPolicy,
    max_concurrent: int = MAX_CONCURRENT,
    ca_bundle: str | None = None,
    lookup: Lookup | None = None,
) -> list[ProbeResult]:
    """Make every probe and return the results in the order in which they ended.

    Takes as long as the slowest probe; `probe_stream` hands out the others meanwhile. `ca_bundle` is a PEM
    file (default: certifi's, because the wheel of pycurl brings none). `lookup` replaces the system's one.
    """
    results: list[ProbeResult] = []
    options = _options(policy, max_concurrent, 0.25, ca_bundle, lookup)
    _run(_take_loop(), requests, options, results.extend, threading.Event())
    return results


def probe_stream(
    requests: Iterable[ProbeRequest],
    *,
    policy: OutboundPolicy,
    max_concurrent: int = MAX_CONCURRENT,
    flush_every_s: float = 0.25,
    ca_bundle: str | None = None,
    lookup: Lookup | None = None,
) -> Generator[list[ProbeResult], None, None]:
    """Make every probe and yield results in groups while the slow ones go on; see `probe_batch`.

    The probes run in a thread of their own, so that the time the caller takes to store a group is not added
    to the latency of those still running. Closing the iterator abandons what is not finished.
    """
    groups: SimpleQueue[list[ProbeResult] | BaseException | None] = SimpleQueue()
    options = _options(policy, max_concurrent, flush_every_s, ca_bundle, lookup)
    loop = _take_loop()
    abandoned = threading.Event()

    def work() -> None:
        try:
            _run(loop, requests, options, groups.put, abandoned)
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            groups.put(error)
        else:
            groups.put(None)

    thread = threading.Thread(target=work, name="probe-stream", daemon=True)
    thread.start()
    try:
        while (group := groups.get()) is not None:
            if isinstance(group, BaseException):
                raise group
            yield group
    finally:
        abandoned.set()
        loop.wake()
        thread.join()
