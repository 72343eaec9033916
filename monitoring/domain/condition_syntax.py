"""Parsing of conditions: what was written becomes a `Condition`, or an error saying where and how to mend."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from monitoring.domain.body_paths import PathStep
from monitoring.domain.conditions import (
    EXPIRATIONS,
    ORDERINGS,
    TIMES,
    Choice,
    Condition,
    Function,
    Literal,
    Operand,
    Operator,
    Pattern,
    Placeholder,
    Reading,
)
from monitoring.domain.quantities import duration_ms, number

LONGEST_CONDITION: Final = 1000
_OPERATOR = re.compile(r"(?<=\s)(==|!=|<=|>=|<|>)(?=\s)")
_TIGHT_OPERATOR = re.compile(r"==|!=|<=|>=|<|>")
_CALL = re.compile(r"(len|has|pat|any)\(")
_PLACEHOLDER = re.compile(r"\[[A-Za-z_]+\]")
_STEP = re.compile(r"\.([^.\[\]()\s]+)|\[([0-9]{1,6})\]")
_KNOWN: Final = ", ".join(Placeholder)


class UnableToParseCondition(ValueError):
    """A condition that means nothing; the message names the place (counted from 1) and a way to mend it."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(f"{reason} (at character {position})")
        self.reason = reason
        self.position = position


@lru_cache(maxsize=4096)
def parse_condition(text: str) -> Condition:
    """Parse one condition such as `[STATUS] == 200`; raise UnableToParseCondition when it means nothing."""
    if len(text) > LONGEST_CONDITION:
        raise UnableToParseCondition(
            f"the condition is longer than {LONGEST_CONDITION} characters; shorten it", LONGEST_CONDITION + 1
        )
    unprintable = next((at for at, character in enumerate(text) if not character.isprintable()), None)
    if unprintable is not None:
        raise UnableToParseCondition("a character that cannot be printed; remove it", unprintable + 1)
    operator, start, end = _find_operator(text)
    left = _operand(text[:start], 0)
    right = _operand(text[end:], end)
    condition = Condition(text.strip(), left, operator, right)
    _check_pair(condition, len(text[end:]) - len(text[end:].lstrip()) + end + 1)
    return condition


def _find_operator(text: str) -> tuple[Operator, int, int]:
    for found in _OPERATOR.finditer(text):
        left = text[: found.start()].strip()
        if left.startswith(("pat(", "any(")) and not left.endswith(")"):
            continue  # an operator inside the parentheses belongs to the value
        return Operator(found[1]), found.start(), found.end()
    unclosed = text.strip().startswith(("pat(", "any(")) and ")" not in text
    tight = _TIGHT_OPERATOR.search(text)
    if unclosed:
        raise UnableToParseCondition("the parenthesis is not closed; add )", len(text.rstrip()) + 1)
    if tight is None:
        raise UnableToParseCondition(
            "no comparison; write one of == != <= >= < > with a space on each side, as in [STATUS] == 200",
            len(text.rstrip()) + 1,
        )
    if not text[tight.end() :].strip():
        raise UnableToParseCondition(f"nothing to compare with after {tight[0]}; add a value", len(text) + 1)
    raise UnableToParseCondition(f"{tight[0]} needs a space on each side", tight.start() + 1)


def _operand(raw: str, offset: int) -> Operand:
    text = raw.strip()
    at = offset + len(raw) - len(raw.lstrip()) + 1
    if not text:
        raise UnableToParseCondition("a side of the comparison is empty; add a value", at)
    call = _CALL.match(text)
    if call is not None:
        return _call(text, call[1], at)
    if text.startswith("["):
        return _reading(text, text, at)
    if re.match(r"[A-Za-z_]+\(\s*\[", text):
        raise UnableToParseCondition("unknown function; the functions are len(), has(), pat() and any()", at)
    second = _OPERATOR.search(text)
    if second is not None:
        raise UnableToParseCondition(
            "a condition holds one comparison; write the other as a condition of its own", at + second.start()
        )
    return Literal(text)


def _call(text: str, name: str, at: int) -> Operand:
    if not text.endswith(")"):
        raise UnableToParseCondition(f"{name}( is not closed; add )", at + len(text))
    inner = text[len(name) + 1 : -1]
    if name == "pat":
        if not inner:
            raise UnableToParseCondition("pat() is empty; write a pattern such as pat(jo*)", at)
        return Pattern(text, tuple(re.sub(r"\*+", "*", inner).split("*")))
    if name == "any":
        options = tuple(option.strip() for option in inner.split(","))
        if not all(options):
            raise UnableToParseCondition("any() has an empty option; write any(200, 429)", at)
        if any(_CALL.match(option) or _PLACEHOLDER.match(option) for option in options):
            raise UnableToParseCondition("any() takes plain values only", at)
        return Choice(text, options)
    at += len(name) + 1
    reading = _reading(inner.strip(), text, at, Function(name))
    if reading.placeholder is not Placeholder.BODY:
        raise UnableToParseCondition(f"{name}() reads the body; write {name}([BODY].field)", at)
    if name == "has" and not reading.path:
        raise UnableToParseCondition("has() asks for a field; write has([BODY].field)", at)
    return reading


def _reading(text: str, whole: str, at: int, function: Function | None = None) -> Reading:
    found = _PLACEHOLDER.match(text)
    if found is None or found[0] not in set(Placeholder):
        name = found[0] if found else text[:20]
        hint = f"; write {name.upper()}" if name.upper() in set(Placeholder) else f"; there are {_KNOWN}"
        raise UnableToParseCondition(f"{name} is no placeholder{hint}", at)
    placeholder = Placeholder(found[0])
    if placeholder is not Placeholder.BODY and found.end() != len(text):
        raise UnableToParseCondition(f"nothing may follow {placeholder}", at + found.end())
    path: list[PathStep] = []
    position = found.end()
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None:
            raise UnableToParseCondition(
                "the path into the body breaks here; write .name or [number], as in [BODY].items[0].name",
                at + position,
            )
        path.append(step[1] if step[1] is not None else int(step[2]))
        position = step.end()
    return Reading(whole, placeholder, tuple(path), function)


def _check_pair(condition: Condition, at_right: int) -> None:
    sides = (condition.left, condition.right)
    if sum(isinstance(side, Pattern | Choice) for side in sides) == 2:
        raise UnableToParseCondition("pat() and any() compare with a placeholder, not each other", at_right)
    if condition.operator in ORDERINGS and any(isinstance(side, Pattern | Choice) for side in sides):
        raise UnableToParseCondition("pat() and any() go with == and != only", at_right)
    for side, other, at in ((sides[0], sides[1], at_right), (sides[1], sides[0], 1)):
        if isinstance(other, Pattern | Reading):
            continue
        for value in other.options if isinstance(other, Choice) else (other.text,):
            reason = _mismatch(side, condition.operator, value)
            if reason:
                raise UnableToParseCondition(reason, at)


def _mismatch(side: Operand, operator: Operator, value: str) -> str | None:
    """Say why `side` can never be compared sensibly with the plain `value`, or return None."""
    numeric = number(value) is not None
    if operator in ORDERINGS and not numeric and duration_ms(value) is None:
        return f"{operator} compares numbers or durations, and {value!r} is neither"
    if not isinstance(side, Reading):
        return None
    if side.function is Function.HAS or side.placeholder is Placeholder.CONNECTED:
        if operator in ORDERINGS or value not in {"true", "false"}:
            return f"{side.text} is true or false; write {side.text} == true"
        return None
    if side.placeholder is Placeholder.STATUS and not numeric:
        return f"{value!r} is no status code; write a number such as 200"
    if side.placeholder in EXPIRATIONS and numeric and number(value) != 0:
        return f"{value!r} would be milliseconds; give a unit, such as 720h or 30d"
    if side.placeholder in TIMES and not numeric and duration_ms(value) is None:
        return f"{value!r} is no duration; write milliseconds or a unit, such as 500, 500ms or 1s"
    return None
