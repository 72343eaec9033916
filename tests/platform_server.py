"""A small platform to watch: a real HTTP server whose failures are scripted and whose times are known."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KINDS = ("500", "drop", "hang", "wrong_body", "redirect_loop")


@dataclass
class Platform:
    """Serves `/NAME` for any name; `fail(name, kind)` makes that address fail until `mend(name)`."""

    port: int = 0
    hits: list[tuple[float, str]] = field(default_factory=list)
    failing: dict[str, str] = field(default_factory=dict)
    closing: threading.Event = field(default_factory=threading.Event)

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}"

    def fail(self, name: str, kind: str) -> float:
        """From now on `/name` fails in the given way; returns the instant."""
        self.failing[name] = kind
        return time.time()

    def mend(self, name: str) -> float:
        """From now on `/name` answers again; returns the instant."""
        self.failing.pop(name, None)
        return time.time()


def _handler(platform: Platform) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            name = self.path.strip("/").partition("?")[0]
            platform.hits.append((time.time(), name))
            getattr(self, f"_{platform.failing.get(name, 'good')}", self._500)(name)

        def _answer(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            for key, value in headers.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        def _good(self, name: str) -> None:
            self._answer(200, b'{"ok": true}')

        def _500(self, name: str) -> None:
            self._answer(500, b"broken")

        def _wrong_body(self, name: str) -> None:
            self._answer(200, b'{"ok": false}')

        def _redirect_loop(self, name: str) -> None:
            self._answer(302, b"", Location=f"/{name}?again=1")

        def _drop(self, name: str) -> None:
            self.close_connection = True
            self.connection.close()

        def _hang(self, name: str) -> None:
            # Holds the connection until the prober gives up or the test ends.
            platform.closing.wait(30)
            self.close_connection = True

        def log_message(self, *args: Any) -> None:
            """The test's output is not the server's log."""

    return Handler


@contextmanager
def running_platform() -> Iterator[Platform]:
    """A platform on a free port of loopback."""
    platform = Platform()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(platform))
    server.daemon_threads = True
    server.handle_error = lambda *args: None  # type: ignore[method-assign]  # a prober may hang up at any time
    platform.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield platform
    finally:
        platform.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
