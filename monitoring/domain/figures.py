"""Figures as people read them: rounded against the reader's hopes, never in their favour.

What must be high (uptime, coverage) is cut off downwards, what must be low (error rate, cost) is carried
upwards, so a printed figure is never inside a limit that the true one is outside of. Nothing here is used to
judge.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

# Wide enough for every finite double at any number of places that is printed; the caller's own decimal
# context, which is mutable and shared, never changes a figure.
_CONTEXT = Context(prec=400)

# US dollars that one day may cost at most: more is a mistake in the row, and is read as this much.
GREATEST_AMOUNT = Decimal(10) ** 12


def exact(number: Decimal | float) -> Decimal:
    """The decimal number that is written for `number`: 0.9998 is 0.9998 and not its binary neighbour."""
    return number if isinstance(number, Decimal) else Decimal(repr(number))


def amount_text(amount: Decimal) -> str:
    """An amount in full, without zeros at its end: equal amounts have equal texts."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent_of(share: float) -> Decimal:
    """A share (0 to 1) in percent, without the noise of a binary multiplication."""
    return _CONTEXT.multiply(exact(share), Decimal(100))


def floored(number: Decimal | float, places: int) -> str:
    """`number` with `places` decimals, cut off downwards: 99.979 never reads 99.98."""
    return _rounded(number, places, ROUND_FLOOR)


def raised(number: Decimal | float, places: int) -> str:
    """`number` with `places` decimals, carried upwards: 0.501 never reads 0.50."""
    return _rounded(number, places, ROUND_CEILING)


def _rounded(number: Decimal | float, places: int, rounding: str) -> str:
    step = Decimal(1).scaleb(-places)
    return f"{exact(number).quantize(step, rounding=rounding, context=_CONTEXT):f}"


def coverage_text(share: float) -> str:
    """A share (0 to 1) of observed time as a floored percentage with its sign."""
    return f"{floored(percent_of(share), 2)} %"


def dollars(amount: Decimal | float) -> str:
    """An amount in US dollars, carried upwards to the cent."""
    return f"${raised(amount, 2)}"


def iso_z(at: datetime) -> str:
    """A moment in UTC as ISO 8601 ending in Z; `at` must carry a time zone."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def clock_text(at: datetime) -> str:
    """A moment for a sentence: ISO 8601 in UTC, to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def duration(seconds: float) -> str:
    """A length of time in at most two units, carried upwards to the second: `12 min 3 s`."""
    if not math.isfinite(seconds) or seconds < 0:
        return "an unknown time"
    whole = int(Decimal(raised(seconds, 0)))
    for size, unit, smaller, small_unit in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit} {rest} {small_unit}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"


def counted(number: int, noun: str) -> str:
    """`1 day`, `2 days`: a count with its noun."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
