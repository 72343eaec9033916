"""The assertion language of endpoints: one comparison about one answer, in the manner of Gatus.

`[STATUS] == 200`, `[BODY].items[0].name == pat(jo*)`, `len([BODY].items) > 3`, `has([BODY].error) == false`,
`[STATUS] == any(200, 429)`, `[RESPONSE_TIME] < 1s`, `[CERTIFICATE_EXPIRATION] > 720h`.

Three rules differ from Gatus because the original can pass where nothing was observed:
* what was not observed (no certificate, no answer, a missing or null field, a body that is not JSON)
  satisfies no comparison at all, not even `!=` or `== 0`;
* an ordering against words (`[RESPONSE_TIME] < potato`) is refused when it is written, not compared as zero;
* numbers compare exactly, fractions included.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from monitoring.domain.body_paths import Body
from monitoring.domain.condition_syntax import UnableToParseCondition, parse_condition
from monitoring.domain.conditions import (
    EXPIRATIONS,
    ORDERINGS,
    TIMES,
    Choice,
    Condition,
    Function,
    Operand,
    Operator,
    Pattern,
    Placeholder,
    Reading,
)
from monitoring.domain.quantities import duration_ms, format_duration, format_milliseconds, number

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = [
    "Answer",
    "Condition",
    "Outcome",
    "UnableToParseCondition",
    "evaluate",
    "first_failure",
    "parse_condition",
]

LONGEST_SHOWN: Final = 100
LONGEST_SECRET: Final = 64 * 1024
LONGEST_SHOWN_BESIDE_PATTERN: Final = 25


@dataclass(frozen=True, slots=True)
class Answer:
    """What one probe observed; None (status 0, an empty address) means that it was not observed."""

    status: int = 0
    response_time_ms: float | None = None
    body: bytes | str = b""
    ip: str = ""
    certificate_expires_in: float | None = None  # seconds, negative once expired
    connected: bool = False
    dns_rcode: str | None = None
    domain_expires_in: float | None = None  # seconds, negative once expired


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether a condition held, and the condition with the values it saw: `[BODY].ok (false) == true`."""

    ok: bool
    words: str


def _text(side: Operand, answer: Answer, body: Body) -> str | None:
    """Return one side of a comparison as text, or None when it was not observed."""
    if not isinstance(side, Reading):
        return side.text
    if side.placeholder is not Placeholder.BODY:
        return _observed(answer, side.placeholder)
    if side.function is Function.LEN:
        length = body.length(side.path)
        return None if length is None else str(length)
    if side.function is Function.HAS:
        # A body that is not JSON has no fields to be absent: an error page must not pass `has(…) == false`.
        return ("false" if body.at(side.path) is None else "true") if body.is_json else None
    return body.read(side.path)


def _observed(answer: Answer, placeholder: Placeholder) -> str | None:
    match placeholder:
        case Placeholder.STATUS:
            return str(answer.status) if answer.status else None
        case Placeholder.RESPONSE_TIME:
            milliseconds = answer.response_time_ms
            return None if milliseconds is None else format_milliseconds(milliseconds)
        case Placeholder.IP:
            return answer.ip or None
        case Placeholder.CONNECTED:
            return "true" if answer.connected else "false"
        case Placeholder.DNS_RCODE:
            return answer.dns_rcode
        case _:  # the expirations; the body is read by its path
            seconds = _expires_in(answer, placeholder)
            return None if seconds is None else format_milliseconds(seconds * 1000)


def _expires_in(answer: Answer, placeholder: Placeholder) -> float | None:
    of_certificate = placeholder is Placeholder.CERTIFICATE_EXPIRATION
    return answer.certificate_expires_in if of_certificate else answer.domain_expires_in


def _shown(reading: Reading, text: str | None, answer: Answer) -> str:
    """Return what a person is shown for the `text` that was read."""
    if text is None:
        return "INVALID" if reading.placeholder is Placeholder.BODY else "NO DATA"
    if reading.placeholder in EXPIRATIONS:
        return format_duration(_expires_in(answer, reading.placeholder) or 0)
    return text


def _equal(one: str, other: str, *, durations: bool) -> bool:
    if one == other:
        return True
    a, b = _quantity(one, durations=durations), _quantity(other, durations=durations)
    return a is not None and b is not None and a == b


def _quantity(text: str, *, durations: bool) -> Decimal | None:
    value = number(text)
    return duration_ms(text) if value is None and durations else value


def _holds(condition: Condition, left: str, right: str) -> bool:
    ordering = ORDERINGS.get(condition.operator)
    if ordering is not None:
        a, b = _quantity(left, durations=True), _quantity(right, durations=True)
        return a is not None and b is not None and ordering(a, b)
    equal = left == right or _same(condition, left, right)
    return equal == (condition.operator is Operator.EQUAL)


def _same(condition: Condition, left: str, right: str) -> bool:
    sides = (condition.left, condition.right)
    durations = any(isinstance(side, Reading) and side.placeholder in TIMES for side in sides)
    for side, other in ((sides[0], right), (sides[1], left)):
        if isinstance(side, Pattern):
            return side.matches(other)
        if isinstance(side, Choice):
            return any(_equal(option, other, durations=durations) for option in side.options)
    return _equal(left, right, durations=durations)


def _printable(text: str, longest: int, mask: Callable[[str], str]) -> str:
    # Masked before it is cut, or the first half of a secret would survive the cut. The rest of a large body
    # is dropped early: a secret that reaches into what is shown ends within LONGEST_SECRET.
    masked = mask(text[: longest + LONGEST_SECRET])
    cut = masked[:longest] + "...(truncated)" if len(masked) > longest else masked
    return re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]", "\N{REPLACEMENT CHARACTER}", cut)


def _unmasked(text: str) -> str:
    return text


def _judge(condition: Condition, answer: Answer, body: Body) -> tuple[bool, str | None, str | None]:
    left = _text(condition.left, answer, body)
    right = _text(condition.right, answer, body)
    return left is not None and right is not None and _holds(condition, left, right), left, right


def _words(
    condition: Condition, left: str | None, right: str | None, answer: Answer, mask: Callable[[str], str]
) -> str:
    sides = (condition.left, condition.right)
    beside_pattern = any(isinstance(side, Pattern) for side in sides)
    longest = LONGEST_SHOWN_BESIDE_PATTERN if beside_pattern else LONGEST_SHOWN
    words = [
        f"{side.text} ({_printable(_shown(side, text, answer), longest, mask)})"
        if isinstance(side, Reading)
        else side.text
        for side, text in zip(sides, (left, right), strict=True)
    ]
    return f"{words[0]} {condition.operator} {words[1]}"


def evaluate(condition: Condition, answer: Answer, mask: Callable[[str], str] = _unmasked) -> Outcome:
    """Judge one condition on one answer.

    `mask` hides secrets in the values that the words show; it is applied before they are shortened.
    """
    ok, left, right = _judge(condition, answer, Body(answer.body))
    return Outcome(ok, _words(condition, left, right, answer, mask))


def first_failure(
    conditions: Iterable[Condition], answer: Answer, mask: Callable[[str], str] = _unmasked
) -> str | None:
    """Return the readable words of the first condition that does not hold, or None when all hold.

    The body is parsed once for all conditions.
    """
    body = Body(answer.body)
    for condition in conditions:
        ok, left, right = _judge(condition, answer, body)
        if not ok:
            return _words(condition, left, right, answer, mask)
    return None
