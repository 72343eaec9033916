"""What many processes may share for a moment, in Redis, and what happens when Redis is away: nothing.

Whatever is kept here can be had again from PostgreSQL, so a failure is an empty answer and never an error. A
process that met one leaves Redis alone for some seconds: a time-out must not be waited for in each request.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, TypeVar

from django.core.cache import cache
from redis.exceptions import RedisError

from tenancy.context import NoTenantScope, current_scope

logger = logging.getLogger(__name__)
_T = TypeVar("_T")
REST_S = 5.0


class _Fuse:
    """Remembers since when Redis is left alone."""

    def __init__(self) -> None:
        self.closed_again_at = 0.0

    def run(self, work: Callable[[], _T], otherwise: _T) -> _T:
        if monotonic() < self.closed_again_at:
            return otherwise
        try:
            return work()
        except (RedisError, OSError) as error:
            self.closed_again_at = monotonic() + REST_S
            logger.warning("Redis does not answer (%s); going on without it for %g s", error, REST_S)
            return otherwise


_fuse = _Fuse()


def tenant_key(name: str) -> str:
    """The key of something that belongs to the active tenant, at its present epoch.

    Raises:
        NoTenantScope: without a tenant: what is cached for nobody would be served to everybody.
    """
    scope = current_scope()
    if scope is None or scope.tenant_id is None:
        raise NoTenantScope("A cache key needs a tenant. Wrap the code in activate(tenant).")
    return f"tenant:{scope.tenant_id}:{scope.epoch}:{name}"


def read(keys: Sequence[str]) -> dict[str, Any]:
    """What is cached under `keys`, as far as it is; empty without Redis. One round trip."""
    return _fuse.run(lambda: cache.get_many(keys), {})


def write(key: str, value: object, *, lifetime_s: int) -> None:
    """This will cache `value`; nothing happens without Redis."""
    _fuse.run(lambda: cache.set(key, value, lifetime_s), None)


def count(key: str, *, lifetime_s: int) -> int | None:
    """This will raise the counter `key` by one and return it; None without Redis. Two round trips."""
    return _fuse.run(lambda: _increment(key, lifetime_s), None)


def _increment(key: str, lifetime_s: int) -> int:
    try:
        return cache.incr(key)
    except ValueError:
        # Not there yet. Two that meet here count two: only one of them can add.
        return 1 if cache.add(key, 1, lifetime_s) else cache.incr(key)
