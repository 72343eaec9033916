"""Servers for the probing benchmarks, each in a process of its own: one as fast as Python can be, one exact.

`python bench/loopback_server.py fast` answers at once; `… late 20` answers 20 ms after reading the request.
Both print their port first, close after every answer, and end with their standard input. `late` then prints
how late its own answers were (p50 and p99 in ms), which is no error of the prober.
"""

from __future__ import annotations

import gc
import os
import select
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

BODY = b'{"ok": true, "version": "1.2.3", "database": "up"}'
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
)


def listen() -> socket.socket:
    """Return a listening socket that reports a connection only when its request is there to be read."""
    listener = socket.socket()
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 5)
    listener.bind(("127.0.0.1", 0))
    listener.listen(4096)
    print(listener.getsockname()[1], flush=True)
    return listener


def answer_at_once() -> None:
    """Accept, read, write, close: four system calls per request and nothing else."""
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    accept = listen()._accept  # the number of the new socket, without an object around it
    while True:
        fd, _ = accept()
        try:
            os.read(fd, 65536)
            os.write(fd, ANSWER)
        except OSError:
            print("a probe went away", file=sys.stderr)
        os.close(fd)


def answer_after(delay_s: float) -> None:
    """Answer every request `delay_s` after it was read, waiting out the last millisecond awake."""
    listener = listen()
    listener.setblocking(False)
    poll = select.epoll()
    poll.register(listener.fileno(), select.EPOLLIN)
    poll.register(0, select.EPOLLIN | select.EPOLLHUP)
    due: deque[tuple[float, int]] = deque()
    lateness: list[float] = []
    while True:
        left = due[0][0] - perf_counter() if due else None
        if left is None or left > 0.0012:
            events = poll.poll(None if left is None else left - 0.001)
            if any(fd == 0 for fd, _ in events):
                break
        while not (due and due[0][0] <= perf_counter()):
            try:
                fd, _ = listener._accept()
            except BlockingIOError:
                break
            read_at = perf_counter()
            os.read(fd, 65536)
            due.append((read_at + delay_s, fd))
        while due and due[0][0] <= perf_counter():
            at, fd = due.popleft()
            os.write(fd, ANSWER)
            lateness.append(perf_counter() - at)
            os.close(fd)
    lateness.sort()
    print(*(f"{lateness[int(len(lateness) * part)] * 1000:.2f}" for part in (0.5, 0.99)), flush=True)


class Running:
    """A server process: its URL, and after the `with` block what it said at its end."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Read the port that the process prints first."""
        assert process.stdout is not None
        self.url = f"http://127.0.0.1:{process.stdout.readline().strip()}/health"
        self.last_words = ""


@contextmanager
def serving(*arguments: str) -> Iterator[Running]:
    """Run one of the servers in a process of its own."""
    command = [sys.executable, str(Path(__file__)), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        running = Running(process)
        try:
            yield running
        finally:
            running.last_words = process.communicate()[0].strip()


if __name__ == "__main__":
    gc.disable()
    if sys.argv[1] == "fast":
        answer_at_once()
    else:
        answer_after(float(sys.argv[2]) / 1000)
