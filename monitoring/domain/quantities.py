"""Numbers and durations as people write them in conditions: `500`, `0x1F`, `250ms`, `1h30m`, `14d`."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

_LONGEST: Final = 400
_NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,4})?", re.ASCII)
_PREFIXED = re.compile(r"([+-]?)0(?:[xX]([0-9a-fA-F]+)|[oO]([0-7]+)|[bB]([01]+))", re.ASCII)
_DURATION = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?(?:ms|us|µs|[dhms]))+", re.ASCII)
_DURATION_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|us|µs|[dhms])", re.ASCII)
_MILLISECONDS: Final = {
    "us": Decimal("0.001"),
    "µs": Decimal("0.001"),
    "ms": Decimal(1),
    "s": Decimal(1000),
    "m": Decimal(60_000),
    "h": Decimal(3_600_000),
    "d": Decimal(86_400_000),
}


def number(text: str) -> Decimal | None:
    """Return the exact value of a decimal, hexadecimal, octal or binary number, or None when it is none."""
    if len(text) > _LONGEST:
        return None
    if _NUMBER.fullmatch(text):
        return Decimal(text)
    found = _PREFIXED.fullmatch(text)
    if found is None:
        return None
    sign, sixteen, eight, two = found.groups()
    if sixteen:
        value = int(sixteen, 16)
    elif eight:
        value = int(eight, 8)
    else:
        value = int(two, 2)
    return Decimal(-value if sign == "-" else value)


def duration_ms(text: str) -> Decimal | None:
    """Return the milliseconds of a duration such as `1h30m`, or None when the text is none."""
    if len(text) > _LONGEST or not _DURATION.fullmatch(text):
        return None
    total = sum(
        (Decimal(amount) * _MILLISECONDS[unit] for amount, unit in _DURATION_PART.findall(text)), Decimal(0)
    )
    return -total if text.startswith("-") else total


def format_duration(seconds: float) -> str:
    """Write a duration in hours, minutes and seconds without empty trailing parts: 86400 becomes `24h`."""
    whole = int(abs(seconds))  # cut, so that 29.99 s left never reads as 30
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    parts = [(hours, "h"), (minutes, "m"), (left, "s")]
    while len(parts) > 1 and parts[-1][0] == 0:
        parts.pop()
    if parts == [(0, "h")]:
        return "0s"
    while parts[0][0] == 0:
        parts.pop(0)
    return ("-" if seconds < 0 and whole else "") + "".join(f"{amount}{unit}" for amount, unit in parts)


def format_milliseconds(milliseconds: float) -> str:
    """Write milliseconds with the microsecond resolution of the clock that measured them: 499, 12.345."""
    text = f"{milliseconds:.3f}"
    return text.rstrip("0").rstrip(".")
