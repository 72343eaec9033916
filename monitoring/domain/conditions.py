"""The parts of a condition: what it reads, how it compares, with what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from operator import ge, gt, le, lt
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from decimal import Decimal

    from monitoring.domain.body_paths import PathStep


class Placeholder(StrEnum):
    """What a condition can read from an answer."""

    STATUS = "[STATUS]"
    RESPONSE_TIME = "[RESPONSE_TIME]"
    BODY = "[BODY]"
    IP = "[IP]"
    CONNECTED = "[CONNECTED]"
    CERTIFICATE_EXPIRATION = "[CERTIFICATE_EXPIRATION]"
    DOMAIN_EXPIRATION = "[DOMAIN_EXPIRATION]"
    DNS_RCODE = "[DNS_RCODE]"


EXPIRATIONS: Final = frozenset({Placeholder.CERTIFICATE_EXPIRATION, Placeholder.DOMAIN_EXPIRATION})
TIMES: Final = EXPIRATIONS | {Placeholder.RESPONSE_TIME}


class Operator(StrEnum):
    """The comparisons."""

    EQUAL = "=="
    NOT_EQUAL = "!="
    AT_MOST = "<="
    AT_LEAST = ">="
    BELOW = "<"
    ABOVE = ">"


ORDERINGS: Final[dict[Operator, Callable[[Decimal, Decimal], bool]]] = {
    Operator.AT_MOST: le,
    Operator.AT_LEAST: ge,
    Operator.BELOW: lt,
    Operator.ABOVE: gt,
}


class Function(StrEnum):
    """What can be asked of a reading instead of its value."""

    LEN = "len"
    HAS = "has"


@dataclass(frozen=True, slots=True)
class Reading:
    """A placeholder, with the path into the body and the function around it."""

    text: str
    placeholder: Placeholder
    path: tuple[PathStep, ...] = ()
    function: Function | None = None


@dataclass(frozen=True, slots=True)
class Literal:
    """A plain value as it was written."""

    text: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """`pat(…)`: `*` stands for any run of characters, everything else for itself."""

    text: str
    pieces: tuple[str, ...]

    def matches(self, value: str) -> bool:
        """Tell whether the whole value fits, in time linear in its length (no backtracking)."""
        first, last = self.pieces[0], self.pieces[-1]
        if len(self.pieces) == 1:
            return value == first
        if len(value) < len(first) + len(last) or not (value.startswith(first) and value.endswith(last)):
            return False
        at, end = len(first), len(value) - len(last)
        for piece in self.pieces[1:-1]:
            found = value.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True


@dataclass(frozen=True, slots=True)
class Choice:
    """`any(a, b)`: one of several plain values."""

    text: str
    options: tuple[str, ...]


Operand = Reading | Literal | Pattern | Choice


@dataclass(frozen=True, slots=True)
class Condition:
    """One parsed comparison, made by `parse_condition`; `text` is what the operator of the portal wrote."""

    text: str
    left: Operand
    operator: Operator
    right: Operand
    reads_body: bool = field(init=False, repr=False, compare=False)  # whether the body is needed to judge it

    def __post_init__(self) -> None:
        sides = (self.left, self.right)
        reads = any(isinstance(side, Reading) and side.placeholder is Placeholder.BODY for side in sides)
        object.__setattr__(self, "reads_body", reads)

    def __str__(self) -> str:
        return self.text
