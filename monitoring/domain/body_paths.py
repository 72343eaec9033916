"""Reading one field out of an answer's body, at a cost bounded by the size of the body.

The body comes from the probed server and is not trusted: JSON nested deeper than MAX_DEPTH, larger than
MAX_BODY characters, or holding NaN or Infinity counts as not being JSON at all.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import Final, NoReturn

MAX_BODY: Final = 1024 * 1024
MAX_DEPTH: Final = 50

PathStep = str | int

# Strings are matched whole (possessively, so that nothing is ever tried twice) to keep brackets inside
# them out of the count; an unterminated string runs to the end of the text.
_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.?)*+"?|[\[{]|[\]}]', re.DOTALL)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# Made once: `json.loads` and `json.dumps` with options build a new one at every call.
_decode = json.JSONDecoder(parse_constant=_refuse_constant).decode
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_PLAIN: Final = {True: "true", False: "false"}


def nests_deeper_than(text: str, limit: int) -> bool:
    """Tell in one pass whether brackets outside of strings nest deeper than `limit`."""
    if text.count("[") + text.count("{") <= limit:
        return False
    depth = 0
    for found in _BRACKETS.finditer(text):
        first = text[found.start()]
        if first in "[{":
            depth += 1
            if depth > limit:
                return True
        elif first in "]}":
            depth -= 1
    return False


def compact(value: object) -> str:
    """Write a JSON value as the assertion language compares it: strings bare, containers as minified JSON."""
    if isinstance(value, str):
        return value
    return _PLAIN[value] if isinstance(value, bool) else _encode(value)


class Body:
    """One answer's body, decoded and parsed at most once however many conditions read it."""

    __slots__ = ("_json", "_raw", "_text")

    def __init__(self, raw: bytes | str) -> None:
        """Keep `raw`; bytes are read as UTF-8 with undecodable ones replaced."""
        self._raw = raw
        self._text: str | None = None
        self._json: tuple[bool, object] | None = None

    @property
    def text(self) -> str | None:
        """Return the body as text, or None when it is larger than MAX_BODY."""
        if self._text is None and len(self._raw) <= MAX_BODY:
            raw = self._raw
            if isinstance(raw, bytes):
                raw = raw.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")
            self._text = raw
        return self._text

    def _parsed(self) -> tuple[bool, object]:
        if self._json is None:
            self._json = self._parse()
        return self._json

    def _parse(self) -> tuple[bool, object]:
        text = self.text
        if text is None or nests_deeper_than(text, MAX_DEPTH):
            return False, None
        try:
            return True, _decode(text)
        except ValueError:
            return False, None

    @property
    def is_json(self) -> bool:
        """Tell whether the body is JSON within the limits."""
        return self._parsed()[0]

    def at(self, path: tuple[PathStep, ...]) -> object:
        """Return the JSON value at `path`; None when the body is not JSON, a step is missing, or it is null.

        A JSON null counts as absent, as in Gatus.
        """
        value = self._parsed()[1]
        for step in path:
            if isinstance(step, int):
                if not isinstance(value, list) or step >= len(value):
                    return None
            elif not isinstance(value, dict) or step not in value:
                return None
            value = value[step]  # type: ignore[index]  # both containers were checked against the step above
        return value

    def read(self, path: tuple[PathStep, ...]) -> str | None:
        """Return the text at `path` (the whole body for an empty one), or None when nothing is there."""
        if not path:
            return self.text
        value = self.at(path)
        return None if value is None else compact(value)

    def length(self, path: tuple[PathStep, ...]) -> int | None:
        """Return the items of a list, or the characters of anything else; None when nothing is there."""
        if not path and (self.text is None or not self.text.lstrip().startswith("[")):
            return None if self.text is None else len(self.text)
        value = self.at(path)
        if value is None:
            return None
        return len(value) if isinstance(value, list) else len(compact(value))
