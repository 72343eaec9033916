"""The broker: sending a message, and asking how it is. Every call has a time-out of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache

import redis
from celery import current_app
from django.conf import settings
from kombu.exceptions import OperationalError
from redis.backoff import NoBackoff
from redis.retry import Retry

from tenancy.context import control_scope, enter

# One silent reconnect: the pooled connection may be one that died with the last broker.
_RETRY = {"max_retries": 1, "interval_start": 0, "interval_step": 0}


class UnableToSend(Exception):
    """The broker did not take the message. What is owed stays in the ledger and is sent again."""


def send(task: str, kwargs: dict[str, object], *, expires: datetime | None = None) -> None:
    """This will put one message for the control-plane task `task` on the queue.

    Raises:
        UnableToSend: when the broker is down, full or silent.
    """
    try:
        with enter(control_scope(f"send {task}")):
            current_app.send_task(
                task, kwargs=kwargs, expires=expires, ignore_result=True, retry=True, retry_policy=_RETRY
            )
    except (OperationalError, redis.RedisError, OSError) as error:
        raise UnableToSend(f"The broker did not take a message for {task}: {error}") from error


@dataclass(frozen=True, slots=True)
class BrokerStanding:
    """What the broker says of itself."""

    depth: int
    memory_bytes: int
    # None: no limit is set.
    memory_limit_bytes: int | None


@cache
def _client(timeout: float) -> redis.Redis:
    # A second try at once, but not after a time-out: a pooled connection may be one of the last broker's.
    once_more = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        max_connections=4,
        retry=once_more,
    )


def answers(*, timeout: float = 0.5) -> bool:
    """Whether the broker answers a ping within `timeout` seconds."""
    try:
        return bool(_client(timeout).ping())
    except (redis.RedisError, OSError, ValueError):
        return False


def depth(*, timeout: float = 0.5) -> int | None:
    """How many messages wait in the queue; None when the broker does not say."""
    try:
        return int(_client(timeout).llen(settings.CELERY_TASK_DEFAULT_QUEUE))
    except (redis.RedisError, OSError, ValueError):
        return None


def standing(*, timeout: float = 0.5) -> BrokerStanding | None:
    """The broker's queue and memory, or None when it does not answer within `timeout` seconds."""
    waiting = depth(timeout=timeout)
    if waiting is None:
        return None
    try:
        memory: dict[str, int] = _client(timeout).info("memory")
    except (redis.RedisError, OSError):
        return None
    return BrokerStanding(waiting, int(memory["used_memory"]), int(memory["maxmemory"]) or None)
