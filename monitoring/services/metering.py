"""Counts real calls to the intelligence API: in memory by the minute, written down in batches.

Counting must not slow the calls that are counted, so a call only adds to a dictionary. In web processes a
thread writes what gathered every few seconds; a process that is killed loses at most those seconds.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import Error, close_old_connections, connection
from django.db.models import Q, Sum
from django.utils.crypto import constant_time_compare

from monitoring.domain.windows import Window
from monitoring.models import ApiCallMinute

logger = logging.getLogger("levqor.metering")

PREFIX = "/api/intelligence/"
FLUSH_EVERY_S = 3.0
# A minute can be read once every process has written what it counted in it.
SETTLES_AFTER = timedelta(seconds=15)
_ENDPOINTS = frozenset({"status", "anomalies", "recommendations", "forecasts", "health"})
# The database may be away for long: what is kept for it meanwhile is bounded.
_MOST_KEPT = 20_000
_UPSERT = """
    INSERT INTO api_call_minutes
        (at, endpoint, status_class, by_prober, calls, seconds_sum, seconds_max) VALUES {rows}
    ON CONFLICT (at, endpoint, status_class, by_prober) DO UPDATE SET
        calls = api_call_minutes.calls + excluded.calls,
        seconds_sum = api_call_minutes.seconds_sum + excluded.seconds_sum,
        seconds_max = greatest(api_call_minutes.seconds_max, excluded.seconds_max)
"""

# The minute since 1970, the endpoint, the class of the status, whether our prober called.
Key = tuple[int, str, int, bool]


class Meter:
    """What one process counted and has not written down yet. Any number of threads may count at once."""

    def __init__(self) -> None:
        self._counts: dict[Key, list[float]] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._pid = 0
        self.writes_itself = False

    def count(self, key: Key, seconds: float) -> None:
        """This will add one call that took `seconds`."""
        with self._lock:
            found = self._counts.get(key)
            if found is not None:
                found[0] += 1
                found[1] += seconds
                if seconds > found[2]:
                    found[2] = seconds
            elif len(self._counts) < _MOST_KEPT:
                self._counts[key] = [1, seconds, seconds]
        if self.writes_itself and self._pid != os.getpid():
            self._start_writing()

    def flush(self) -> int:
        """This will write down what was counted, and return how many calls that were.

        Raises:
            django.db.Error: when the database does not take it; it is then kept for the next time.
        """
        with self._writing:
            with self._lock:
                taken, self._counts = self._counts, {}
            try:
                _write(taken)
            except Error:
                self._put_back(taken)
                raise
        return int(sum(counted[0] for counted in taken.values()))

    def _put_back(self, taken: Mapping[Key, list[float]]) -> None:
        with self._lock:
            for key, (calls, seconds, slowest) in taken.items():
                found = self._counts.setdefault(key, [0, 0.0, 0.0])
                found[0] += calls
                found[1] += seconds
                found[2] = max(found[2], slowest)

    def _start_writing(self) -> None:
        with self._lock:
            if self._pid == os.getpid():
                return
            self._pid = os.getpid()
        threading.Thread(target=self._write_forever, name="metering", daemon=True).start()
        atexit.register(self._flush_quietly)

    def _write_forever(self) -> None:
        pause = threading.Event()
        while not pause.wait(FLUSH_EVERY_S):
            self._flush_quietly()

    def _flush_quietly(self) -> None:
        try:
            close_old_connections()
            self.flush()
        except Error as error:
            logger.warning("API calls could not be written down; they are kept: %s", error)


METER = Meter()


def endpoint_of(path: str) -> str:
    """The endpoint that a path below `PREFIX` names; everything that is none is "other"."""
    name = path[len(PREFIX) :].strip("/")
    return name if name in _ENDPOINTS else "other"


def is_own_prober(authorization: str) -> bool:
    """Whether a call carries the token with which the portal probes itself."""
    key = settings.LEVQOR_PROBE_KEY
    return bool(key) and constant_time_compare(authorization, f"Bearer {key}")


def _write(counts: Mapping[Key, list[float]]) -> None:
    if not counts:
        return
    params: list[Any] = []
    # In one order, so that two processes never wait for each other's rows crosswise.
    for (minute, endpoint, status_class, by_prober), counted in sorted(counts.items()):
        at = datetime.fromtimestamp(minute * 60, UTC)
        params += [at, endpoint, status_class, by_prober, *counted]
    rows = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(counts))
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT.format(rows=rows), params)


@dataclass(frozen=True, slots=True)
class RealCalls:
    """Calls of users, without those of the portal's own prober, and how many of them ended in a 5xx."""

    calls: int
    server_errors: int


def count_real_calls(window: Window, now: datetime) -> RealCalls | None:
    """The users' calls in the settled whole minutes of `window`; None when nothing at all was counted in it.

    The portal's own probes count as a sign that the meter ran, and as nothing else. One query.
    """
    end = min(window.end, now - SETTLES_AFTER).replace(second=0, microsecond=0)
    found = ApiCallMinute.objects.filter(at__gte=window.start, at__lt=end).aggregate(
        counted=Sum("calls"),
        real=Sum("calls", filter=Q(by_prober=False)),
        errors=Sum("calls", filter=Q(by_prober=False, status_class=5)),
    )
    if not found["counted"]:
        return None
    return RealCalls(found["real"] or 0, found["errors"] or 0)
