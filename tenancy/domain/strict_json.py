"""Reads JSON as RFC 8259 writes it and as a database can keep it; nothing else."""

from __future__ import annotations

import json
from collections import Counter
from math import isfinite
from typing import Any, NoReturn

MAX_DEPTH = 50
# Longer ones are no number that anybody measures: 64 bits need 19 digits.
_LONGEST_INTEGER = 20


class BadJson(ValueError):
    """A document that is not accepted; the message says why."""


def read_json(raw: bytes) -> Any:
    """Return the value that `raw` (UTF-8) holds.

    Raises:
        BadJson: for what is no JSON, nested deeper than 50, holds NaN, Infinity, a number too large, a name
            twice in one object, a NUL or half a surrogate pair.
    """
    try:
        value = json.loads(
            raw.decode(),
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_short,
            object_pairs_hook=_once_each,
        )
    except BadJson:
        raise
    except UnicodeDecodeError as error:
        raise BadJson(f"The body is not UTF-8 at byte {error.start}.") from error
    except RecursionError as error:
        raise BadJson(_too_deep()) from error
    except json.JSONDecodeError as error:
        raise BadJson(f"The body is not JSON at line {error.lineno}, column {error.colno}.") from error
    # Without an escape no string can hold what UTF-8 and JSON rule out already.
    _check(value, strings=b"\\u" in raw)
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise BadJson(f"{name} is not a JSON number. Leave the field out where nothing was measured.")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise BadJson(f"{text[:40]} is too large a number.")
    return number


def _short(text: str) -> int:
    if len(text) > _LONGEST_INTEGER:
        raise BadJson(f"{text[:40]}… is too large a number.")
    return int(text)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise BadJson(f"The name {twice[:60]!r} stands twice in one object.")
    return found


def _check(value: Any, *, strings: bool) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
                if strings:
                    below.extend(item)
            elif isinstance(item, list):
                below.extend(item)
            elif strings and isinstance(item, str):
                _check_text(item)
        if depth > MAX_DEPTH and any(isinstance(item, dict | list) for item in level):
            raise BadJson(_too_deep())
        level = below


def _check_text(text: str) -> None:
    if "\0" in text:
        raise BadJson("A text holds the character NUL (\\u0000), which cannot be stored.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise BadJson("A text holds half a surrogate pair (\\ud800 to \\udfff), which is no character.")


def _too_deep() -> str:
    return f"The body is nested deeper than {MAX_DEPTH} levels."
