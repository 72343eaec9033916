"""A server on loopback that answers GET /v1/charges as Stripe documents it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "rk_test_loopback"


def charge(number: int, at: int, **fields: Any) -> dict[str, Any]:
    """A charge of $20 as Stripe shows it."""
    return {
        "id": f"ch_{number:05}", "object": "charge", "amount": 2000, "amount_captured": 2000, "amount_refunded": 0,
        "captured": True, "created": at, "currency": "usd", "description": None, "disputed": False, "paid": True,
        "refunded": False, "status": "succeeded", **fields,
    }  # fmt: skip


class StripeServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.charges: list[dict[str, Any]] = []
        # Answers to give first: (status, headers, body), or a number of seconds to be silent for.
        self.first: list[tuple[int, dict[str, str], bytes] | float] = []
        self.queries: list[dict[str, list[str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: StripeServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        self.server.queries.append(query)
        planned = self.server.first.pop(0) if self.server.first else None
        if isinstance(planned, float):
            time.sleep(planned)
            return
        if planned is not None:
            self._send(*planned)
        elif self.headers.get("Authorization") != f"Bearer {KEY}":
            error = {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided"}}
            self._send(401, {}, json.dumps(error).encode())
        elif parts.path != "/v1/charges":
            self._send(404, {}, b'{"error": {"type": "invalid_request_error"}}')
        else:
            self._send(200, {}, json.dumps(self._list(query)).encode())

    def _list(self, query: dict[str, list[str]]) -> dict[str, Any]:
        first, last = int(query["created[gte]"][0]), int(query["created[lt]"][0])
        found = sorted(
            (c for c in self.server.charges if first <= c["created"] < last),
            key=lambda c: c["id"],
            reverse=True,
        )
        after = query.get("starting_after", [""])[0]
        if after:
            found = [c for c in found if c["id"] < after]
        limit = min(int(query.get("limit", ["10"])[0]), 100)
        return {"object": "list", "url": "/v1/charges", "data": found[:limit], "has_more": len(found) > limit}

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Nothing to standard error."""


@contextmanager
def stripe_server() -> Iterator[StripeServer]:
    server = StripeServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
