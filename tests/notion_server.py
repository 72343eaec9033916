"""A stand-in for Notion's API: a real HTTP server that keeps the blocks of one page, as Notion does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "ntn_stand_in"
PAGE = "1f0c2d3e4b5a6978a1b2c3d4e5f60718"


@dataclass
class Notion:
    """`blocks` is the page from top to bottom. `script` says how the next requests are answered instead: a
    status, with 429 asking for no patience."""

    blocks: list[dict[str, Any]] = field(default_factory=list)
    script: list[int] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    fewest: int | None = None
    port: int = 0
    _number: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add(self, children: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Append as Notion does: each block gets an id."""
        added = []
        for child in children:
            self._number += 1
            added.append({**child, "id": f"00000000-0000-4000-8000-{self._number:012}"})
        self.blocks += added
        return added

    def text(self) -> str:
        """Everything on the page."""
        return json.dumps(self.blocks, ensure_ascii=False)

    def note_size(self) -> None:
        """Remember the fewest blocks that a reader could have seen."""
        count = len(self.blocks)
        self.fewest = count if self.fewest is None else min(self.fewest, count)


def _handler(notion: Notion) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _begin(self) -> bool:
            notion.calls.append(f"{self.command} {urlsplit(self.path).path}")
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self._answer(
                    401, {"object": "error", "code": "unauthorized", "message": "API token is invalid."}
                )
                return False
            if notion.script:
                status = notion.script.pop(0)
                code = "rate_limited" if status == 429 else "internal_server_error"
                self._answer(status, {"object": "error", "code": code, "message": "scripted"})
                return False
            return True

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            payload = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            if status == 429:
                self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(payload)

        def do_PATCH(self) -> None:
            children = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["children"]
            if not self._begin():
                return
            if len(children) > 100 or PAGE not in self.path.replace("-", ""):
                self._answer(400, {"object": "error", "code": "validation_error", "message": "too many"})
                return
            self._answer(200, {"object": "list", "results": notion.add(children)})
            notion.note_size()

        def do_GET(self) -> None:
            if not self._begin():
                return
            query = parse_qs(urlsplit(self.path).query)
            start = int(query.get("start_cursor", ["0"])[0])
            # Small pages, so that a reader who forgets the cursor is found out.
            end = start + min(int(query["page_size"][0]), 10)
            more = end < len(notion.blocks)
            results = notion.blocks[start:end]
            self._answer(
                200, {"results": results, "has_more": more, "next_cursor": str(end) if more else None}
            )

        def do_DELETE(self) -> None:
            if not self._begin():
                return
            block_id = self.path.rsplit("/", 1)[1]
            notion.blocks[:] = [block for block in notion.blocks if block["id"] != block_id]
            self._answer(200, {"id": block_id, "archived": True})
            notion.note_size()

        def log_message(self, *args: Any) -> None:
            """The test's output is not the server's log."""

    return Handler


@contextmanager
def running_notion() -> Iterator[Notion]:
    """A stand-in on a free port of loopback."""
    notion = Notion()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(notion))
    server.daemon_threads = True
    notion.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield notion
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
