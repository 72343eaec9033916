"""A stand-in for Slack's incoming webhooks: a real HTTP server that answers as scripted, and can be killed."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Slack:
    """`script` says how the next requests are answered: (status, headers), "accept and hang", "drop"; after
    that with 200. `taken` are the texts that were accepted, with the time of each."""

    port: int = 0
    script: list[Any] = field(default_factory=list)
    requests: list[tuple[float, str]] = field(default_factory=list)
    taken: list[tuple[float, str]] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closing: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/services/T0/B0/secret"

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.taken]

    def start(self) -> None:
        """Listen, on the port of last time if there was one."""
        self._closing.clear()
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        self._server.daemon_threads = True
        self._server.handle_error = lambda *args: None  # type: ignore[method-assign]  # a sender may hang up
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def kill(self) -> None:
        """Refuse connections from now on."""
        self._closing.set()
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()
        self._server = None


def _handler(slack: Slack) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            text = json.loads(body)["text"]
            with slack._lock:
                slack.requests.append((time.time(), text))
                step = slack.script.pop(0) if slack.script else (200, {})
                if step in ("accept and hang", (200, {})):
                    slack.taken.append((time.time(), text))
            if step == "accept and hang":
                slack._closing.wait(60)
                return
            if step == "drop":
                self.close_connection = True
                return
            status, headers = step
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"ok" if status == 200 else b"no_service")

        def log_message(self, *args: Any) -> None:
            """The test's output is not the server's log."""

    return Handler


@contextmanager
def running_slack() -> Iterator[Slack]:
    """A stand-in on a free port of loopback."""
    slack = Slack()
    slack.start()
    try:
        yield slack
    finally:
        if slack._server is not None:
            slack.kill()
