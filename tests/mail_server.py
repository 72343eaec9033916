"""A real SMTP server for the tests of e-mail."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP


@dataclass
class Mailbox:
    """`answers` says what the server says to the next messages; after that it takes them."""

    port: int = 0
    answers: list[str] = field(default_factory=list)
    taken: list[Any] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            self.taken.append(envelope)
        return answer

    @property
    def texts(self) -> list[str]:
        return [envelope.content.decode() for envelope in self.taken]


@contextmanager
def running_mail_server() -> Iterator[Mailbox]:
    """A server on a free port of loopback."""
    # The controller connects to the port it was given, so 0 is none for it.
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mailbox = Mailbox(port)
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()
