"""Many probes at once in one thread: libcurl's multi interface on epoll.

Starts yield to answers: new probes are started when no socket waits to be read, so a burst spreads itself
over the time it needs, and the probes do not add to one another's latency.
"""

from __future__ import annotations

import heapq
import itertools
import os
import select
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any, Final

import pycurl

from monitoring.clients.probe_flow import (
    Flow,
    begin,
    follow,
    judge_received,
    record_check,
    redirects,
    report,
    take_records,
)
from monitoring.clients.resolver import Found, Resolver
from monitoring.clients.transfer import Exchange, Received
from monitoring.domain.outbound import OutboundPolicy
from monitoring.domain.probes import ErrorClass, Judgement, ProbeRequest, ProbeResult

FEW: Final = 32
GROUP: Final = 8
GROUP_IN_A_LULL: Final = 4
EVENTS_PER_TURN: Final = 256
HANDLES_KEPT: Final = 256
_EPOLL: Final = {
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}

Emit = Callable[[list[ProbeResult]], None]


@dataclass(frozen=True, slots=True)
class LoopOptions:
    """What holds for all probes of one run."""

    policy: OutboundPolicy
    resolver: Resolver
    max_concurrent: int
    flush_every_s: float
    ca_bundle: str


class _Inbox:
    """Brings lookups from the resolver's threads to the loop, and wakes it; harmless after it is closed."""

    def __init__(self) -> None:
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._lock = threading.Lock()
        self._arrived: deque[tuple[Flow, Found]] = deque()
        self._open = True

    def put(self, flow: Flow, found: Found) -> None:
        self._arrived.append((flow, found))
        self.wake()

    def wake(self) -> None:
        with self._lock:
            if self._open:
                os.eventfd_write(self.fd, 1)

    def take(self) -> Iterable[tuple[Flow, Found]]:
        os.eventfd_read(self.fd)
        while self._arrived:
            yield self._arrived.popleft()

    def close(self) -> None:
        with self._lock:
            self._open = False
            os.close(self.fd)


class ProbeLoop:
    """A reusable loop for one thread at a time; it keeps handles and the parsed CA bundle between runs."""

    def __init__(self) -> None:
        """Open the epoll and the multi handle."""
        self._epoll = select.epoll()
        self._inbox = _Inbox()
        self._epoll.register(self._inbox.fd, select.EPOLLIN)
        self._watched: set[int] = set()
        self._timer_at: float | None = None
        self._multi: Any = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._idle: list[Exchange] = []
        self._busy: set[Exchange] = set()
        self._lookups: list[tuple[float, int, Flow]] = []
        self._looking_up = 0
        self._serial = itertools.count()
        self._done: list[ProbeResult] = []

    def close(self) -> None:
        """Give everything back to the system."""
        for exchange in self._busy:
            self._multi.remove_handle(exchange.handle)
        for exchange in (*self._busy, *self._idle):
            exchange.handle.close()
        self._multi.close()
        self._inbox.close()
        self._epoll.close()

    def wake(self) -> None:
        """Let a running `run` look at its `abandoned` at once; harmless at any time and from any thread."""
        self._inbox.wake()

    def run(
        self,
        requests: Iterable[ProbeRequest],
        options: LoopOptions,
        emit: Emit,
        abandoned: threading.Event,
    ) -> bool:
        """Make every probe, and pass results to `emit` in groups at least `flush_every_s` apart.

        Returns False when it was abandoned before the end; the loop can then only be closed.
        """
        self._options = options
        self._check = record_check(options.policy)
        self._epoch = datetime.now(UTC) - timedelta(seconds=monotonic())
        waiting = deque(requests)
        flush_at = monotonic() + options.flush_every_s
        quiet = True
        while not abandoned.is_set():
            room = options.max_concurrent - len(self._busy) - self._looking_up
            for _ in range(min(len(waiting), room, self._starts(quiet))):
                self._begin(waiting.popleft())
            self._fire_timer()
            if not (waiting or self._busy or self._looking_up):
                break
            quiet = self._turn(0.0 if waiting and room > 0 else self._patience(flush_at))
            if self._done and monotonic() >= flush_at:
                self._flush(emit)
                flush_at = monotonic() + options.flush_every_s
        self._flush(emit)
        for exchange in self._idle[HANDLES_KEPT:]:
            exchange.handle.close()
        del self._idle[HANDLES_KEPT:]
        return not (waiting or self._busy or self._looking_up)

    def _starts(self, quiet: bool) -> int:
        """Return how many probes to start now: a group while few are under way, else mostly in a lull.

        Measured: in ones the far side falls asleep between two connections, and waking it doubles the cost of
        each; in groups of more than eight the last answer waits for the whole group.
        """
        if len(self._busy) < FEW:
            return GROUP
        return GROUP_IN_A_LULL if quiet else 1

    def _flush(self, emit: Emit) -> None:
        if self._done:
            done, self._done = self._done, []
            emit(done)

    def _patience(self, flush_at: float) -> float:
        """Return how long to sleep when nothing happens."""
        wake_at = monotonic() + 1.0
        if self._timer_at is not None:
            wake_at = min(wake_at, self._timer_at)
        if self._lookups:
            wake_at = min(wake_at, self._lookups[0][0])
        if self._done:
            wake_at = min(wake_at, flush_at)
        return max(0.0, wake_at - monotonic())

    def _turn(self, timeout: float) -> bool:
        """Serve what is ready; return True when nothing was."""
        events = self._epoll.poll(timeout, EVENTS_PER_TURN)
        for fd, event in events:
            if fd == self._inbox.fd:
                for flow, found in self._inbox.take():
                    self._looked_up(flow, found)
                continue
            mask = pycurl.CSELECT_OUT if event & select.EPOLLOUT else 0
            if event & ~select.EPOLLOUT:
                mask |= pycurl.CSELECT_IN
            self._multi.socket_action(fd, mask)
        if events:
            self._collect()
        self._fire_timer()
        self._expire_lookups()
        return not events

    # libcurl's callbacks

    def _watch(self, what: int, fd: int, _multi: Any, _data: Any) -> None:
        if what == pycurl.POLL_REMOVE:
            if fd in self._watched:
                self._watched.discard(fd)
                self._epoll.unregister(fd)
        elif fd in self._watched:
            self._epoll.modify(fd, _EPOLL[what])
        else:
            self._epoll.register(fd, _EPOLL[what])
            self._watched.add(fd)

    def _set_timer(self, milliseconds: int) -> None:
        self._timer_at = None if milliseconds < 0 else monotonic() + milliseconds / 1000

    def _fire_timer(self) -> None:
        if self._timer_at is not None and monotonic() >= self._timer_at:
            self._timer_at = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
            self._collect()  # a transfer may end right here, and no socket would wake the loop for it

    # the way of a probe

    def _begin(self, request: ProbeRequest) -> None:
        now = monotonic()
        flow = begin(request, now)
        if isinstance(flow, Judgement):
            self._done.append(report(request, flow, now, now, self._epoch))
        else:
            self._resolve(flow)

    def _resolve(self, flow: Flow) -> None:
        """Find the addresses of the flow's target: at once when it is written as one, else by a lookup."""
        if flow.target.address is not None:
            self._looked_up(flow, (flow.target.host,))
            return
        flow.looking_up = True
        self._looking_up += 1
        heapq.heappush(self._lookups, (flow.deadline, next(self._serial), flow))
        self._options.resolver.submit(flow.target.host, partial(self._inbox.put, flow))

    def _looked_up(self, flow: Flow, found: Found) -> None:
        if flow.finished:
            return  # the answer came after the deadline
        if flow.looking_up:
            flow.looking_up = False
            self._looking_up -= 1
        judgement = take_records(flow, found, self._check)
        if judgement is None:
            self._launch(flow)
        else:
            self._finish(flow, judgement)

    def _expire_lookups(self) -> None:
        while self._lookups and (self._lookups[0][0] <= monotonic() or not self._lookups[0][2].looking_up):
            flow = heapq.heappop(self._lookups)[2]
            if flow.looking_up:
                flow.looking_up = False
                self._looking_up -= 1
                words = f"no answer to the lookup of {flow.target.host} within {flow.request.timeout_s:g} s"
                self._finish(flow, Judgement(ErrorClass.DNS, words))

    def _launch(self, flow: Flow) -> None:
        """Start a connection to the first address that is left."""
        left = flow.deadline - monotonic()
        if left <= 0:
            words = f"no complete answer within {flow.request.timeout_s:g} s"
            self._finish(flow, Judgement(ErrorClass.TIMEOUT, words))
            return
        exchange = self._idle.pop() if self._idle else Exchange()
        exchange.owner = flow
        exchange.prepare(
            flow.request,
            flow.target,
            flow.addresses[0],
            method=flow.method,
            trusted=flow.trusted,
            timeout_s=left,
            connect_timeout_s=left / len(flow.addresses),
            ca_bundle=self._options.ca_bundle,
        )
        flow.sent = True
        exchange.handle.exchange = exchange
        self._busy.add(exchange)
        self._multi.add_handle(exchange.handle)

    def _collect(self) -> None:
        """Take every transfer that has ended."""
        more = 1
        while more:
            more, complete, failed = self._multi.info_read()
            for handle in complete:
                self._ended(handle.exchange, 0, "")
            for handle, code, message in failed:
                self._ended(handle.exchange, code, message)

    def _ended(self, exchange: Exchange, code: int, message: str) -> None:
        flow: Flow = exchange.owner
        received = exchange.received(code, message)
        body = exchange.body()
        self._multi.remove_handle(exchange.handle)
        self._busy.discard(exchange)
        exchange.release()
        self._idle.append(exchange)
        flow.seconds += received.seconds
        if not received.connected and code and len(flow.addresses) > 1:
            flow.addresses = flow.addresses[1:]
            self._launch(flow)
        elif redirects(flow, received):
            judgement = follow(flow, received)
            if judgement is None:
                self._resolve(flow)
            else:
                self._finish(flow, judgement, received)
        else:
            self._finish(flow, judge_received(flow, received, body, monotonic(), self._epoch), received)

    def _finish(self, flow: Flow, judgement: Judgement, received: Received | None = None) -> None:
        flow.finished = True
        self._done.append(
            report(
                flow.request, judgement, flow.began, monotonic(), self._epoch, flow=flow, received=received
            )
        )
