"""A request that is sent twice is done once: the second is given the first one's answer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from tenancy.context import current_tenant_id
from tenancy.models import IdempotentRequest

# Whoever has not repeated a request by then will not.
KEPT = timedelta(days=3)


class KeyRunning(Exception):
    """A request with this key is being done at this moment."""


class KeyReused(Exception):
    """The key was used for another body."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the first request was answered."""

    status_code: int
    body: dict[str, Any]


def find_answer(*, operation: str, key: str, body: bytes) -> Answer | None:
    """The stored answer to this request, or None when it is the first: it then holds the key until commit.

    The key is held by a lock of the transaction and not by a row: a request that dies leaves nothing behind,
    and what it did and the answer are committed together. Two statements; needs a tenant's scope.

    Raises:
        KeyRunning: while another transaction holds the key.
        KeyReused: when the key belongs to another body.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_lock_number(operation, key)])
        if not cursor.fetchone()[0]:
            raise KeyRunning
    kept = IdempotentRequest.objects.filter(operation=operation, key=key).first()
    if kept is None:
        return None
    if kept.body_digest != digest(body):
        raise KeyReused
    return Answer(kept.status_code, kept.answer)


def keep_answer(*, operation: str, key: str, body: bytes, answer: Answer, now: datetime) -> None:
    """This will store the answer, in the transaction that did the work."""
    IdempotentRequest.objects.create(
        operation=operation,
        key=key,
        body_digest=digest(body),
        status_code=answer.status_code,
        answer=answer.body,
        at=now,
    )


def forget_old_answers(*, now: datetime) -> int:
    """This will delete the answers past their time, and return how many. Needs the control plane's scope."""
    return IdempotentRequest.objects.filter(at__lt=now - KEPT).delete()[0]


def digest(body: bytes) -> str:
    """The SHA-256 of a body, in hex."""
    return hashlib.sha256(body).hexdigest()


def _lock_number(operation: str, key: str) -> int:
    name = f"idempotency\0{current_tenant_id()}\0{operation}\0{key}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
