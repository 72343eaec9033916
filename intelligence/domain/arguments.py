"""What the recording functions accept, said in one sentence when they do not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from numbers import Real

MAX_ROWS = 200
"""As many rows as one list ever returns."""
MAX_HORIZON_DAYS = 3660
MAX_METADATA_BYTES = 100_000


def accept_number(value: object, name: str) -> float:
    """Return `value` as a float.

    Raises:
        ValueError: when it is no number, NaN or infinite.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError(f"{name} must be a number, and this is {value!r}.")
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    if not isfinite(number):
        raise ValueError(f"{name} must be a finite number, and this is {number}.")
    return number


def accept_latency(value: object, name: str = "latency_ms") -> float | None:
    """Return a latency in milliseconds; None (not measured) stays None."""
    if value is None:
        return None
    number = accept_number(value, name)
    if number < 0:
        raise ValueError(f"{name} must be 0 or more milliseconds, and this is {number:g}.")
    return number


def accept_percent(value: object, name: str) -> float:
    """Return a percentage from 0 to 100."""
    number = accept_number(value, name)
    if not 0 <= number <= 100:
        raise ValueError(f"{name} must be a percentage from 0 to 100, and this is {number:g}.")
    return number


def accept_whole(value: object, name: str, lowest: int, highest: int) -> int:
    """Return a whole number from `lowest` to `highest`."""
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise ValueError(f"{name} must be a whole number from {lowest} to {highest}, and this is {value!r}.")
    return value


def accept_text(value: object, name: str, longest: int, *, empty: bool = False) -> str:
    """Return a text that PostgreSQL can hold: no NUL, no lone surrogate, not too long."""
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a text, and this is {value!r}.")
    if not value and not empty:
        raise ValueError(f"{name} must not be empty.")
    if len(value) > longest:
        raise ValueError(f"{name} may have {longest} characters, and this has {len(value)}.")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"{name} holds a NUL or half a surrogate pair, which cannot be stored.")
    return value


def accept_mapping(value: object, name: str) -> dict[str, object]:
    """Return a mapping that can be stored as JSON, copied.

    Raises:
        ValueError: when it is none, holds NaN or something that is not JSON, or is over 100 kB.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} must be a mapping, and this is {type(value).__name__}.")
    try:
        text = json.dumps(dict(value), allow_nan=False, ensure_ascii=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{name} is not JSON: {error}.") from error
    # json.dumps writes a NUL as an escape, and PostgreSQL refuses that escape in jsonb.
    if "\\u0000" in text:
        raise ValueError(f"{name} holds a NUL, which cannot be stored.")
    if size > MAX_METADATA_BYTES:
        raise ValueError(f"{name} may have {MAX_METADATA_BYTES} bytes as JSON, and this has {size}.")
    copied: dict[str, object] = json.loads(text)
    return copied
