"""Reads one observation out of what other monitoring exports: CSV, JSON lines, Prometheus range queries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, NamedTuple

# Columns by the names that exports give them.
_NAMES = {
    "ts": ("ts", "timestamp", "time", "at"),
    "endpoint": ("endpoint", "monitor", "name"),
    "ok": ("ok", "success", "up"),
    "status_code": ("status_code", "status", "code"),
    "latency_ms": ("latency_ms", "latency", "response_time_ms"),
    "ended_at": ("ended_at",),
    "error": ("error", "message"),
}
_TRUE, _FALSE = frozenset({"true", "t", "1", "yes", "up", "ok"}), frozenset({"false", "f", "0", "no", "down"})
_LARGEST_LATENCY_MS = 86_400_000.0
_MOST_EPOCH_S = 4_102_444_800.0


class BadRow(ValueError):
    """A row that is no observation; the message says why."""


class Past(NamedTuple):
    """One observation of the past. `ok` is None where only the status tells."""

    ts: datetime
    ended_at: datetime
    ok: bool | None
    status_code: int | None
    latency_ms: float | None
    endpoint: str
    error: str


def columns_of(names: list[str]) -> dict[str, str]:
    """Which of the given column names holds what; BadRow where the time or the outcome is missing."""
    given = {name.strip().lower(): name for name in names}
    found = {
        field: given[alias]
        for field, aliases in _NAMES.items()
        if (alias := next((a for a in aliases if a in given), None)) is not None
    }
    if "ts" not in found:
        raise BadRow(f"There is no column for the time. Call it ts. Found: {', '.join(names) or 'nothing'}.")
    if "ok" not in found and "status_code" not in found:
        raise BadRow(f"There is no column ok and none status_code. Found: {', '.join(names)}.")
    return found


def read_fields(fields: Mapping[str, Any]) -> Past:
    """Return the observation that the values, by our names, tell; BadRow with the field that does not."""
    ts = _instant(fields.get("ts"), "ts")
    latency_ms = _latency(fields.get("latency_ms"))
    ended = fields.get("ended_at")
    ended_at = (
        ts + timedelta(milliseconds=latency_ms or 0) if ended in (None, "") else _instant(ended, "ended_at")
    )
    if ended_at < ts:
        raise BadRow("ended_at is before ts")
    ok, status_code = _truth(fields.get("ok")), _status(fields.get("status_code"))
    if ok is None and status_code is None:
        raise BadRow("neither ok nor status_code is told")
    error = str(fields.get("error") or "")[:500]
    return Past(ts, ended_at, ok, status_code, latency_ms, str(fields.get("endpoint") or ""), error)


def read_sample(sample: Any) -> Past:
    """Return the observation of one `[time, "value"]` of a Prometheus series of 1 (up) and 0 (down)."""
    if not isinstance(sample, list) or len(sample) != 2:
        raise BadRow(f'{sample!r:.60} is no sample; one is [1763200000, "1"]')
    ts = _instant(sample[0], "the time")
    value = str(sample[1])
    if value not in ("0", "1"):
        raise BadRow(f"the value {value!r:.40} is neither 1 (up) nor 0 (down), as of up or probe_success")
    return Past(ts, ts, value == "1", None, None, "", "")


def _instant(value: Any, name: str) -> datetime:
    if isinstance(value, str) and ("T" in value or " " in value or "-" in value[1:]):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            raise BadRow(f"{name} {value!r:.40} is no instant") from error
        if moment.tzinfo is UTC:
            return moment
        if moment.tzinfo is None:
            raise BadRow(f"{name} {value!r:.40} has no time zone; write 2025-11-15T09:00:00Z")
        return moment.astimezone(UTC)
    try:
        seconds = float(value)
    except (TypeError, ValueError) as error:
        raise BadRow(f"{name} {value!r:.40} is no instant; write 2025-11-15T09:00:00Z") from error
    if isinstance(value, bool) or not 0 <= seconds <= _MOST_EPOCH_S:
        raise BadRow(f"{name} {value!r:.40} is no time in seconds since 1970")
    return datetime.fromtimestamp(seconds, UTC)


def _latency(value: Any) -> float | None:
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise BadRow(f"latency_ms {value!r:.40} is no number") from error
    if isinstance(value, bool) or not isfinite(number) or not 0 <= number <= _LARGEST_LATENCY_MS:
        raise BadRow(f"latency_ms {value!r:.40} is no latency; it must be from 0 to a day")
    return number


def _status(value: Any) -> int | None:
    if value is None or value == "":
        return None
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 599):
        raise BadRow(f"status_code {value!r:.40} is no status; it must be from 0 (no answer) to 599")
    return int(text)


def _truth(value: Any) -> bool | None:
    if value is None or value == "":
        return None
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise BadRow(f"ok {value!r:.40} is neither true nor false")
