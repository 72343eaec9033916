"""The parts that a policy is written in: sections whose every field knows what it may hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, ClassVar, Self

from monitoring.domain.figures import GREATEST_AMOUNT, exact


class UnableToReadPolicy(ValueError):
    """A policy has an unknown, missing or unusable entry; the message names it and what belongs there."""


def number_field(least: float, most: float, *, above: bool = False) -> Any:
    """A float from `least` to `most`; `above` leaves `least` itself out."""
    wanted = f"a number above {least:g}, up to {most:g}" if above else f"a number from {least:g} to {most:g}"

    def check(value: object) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise ValueError(wanted)
        if not least <= value <= most or (above and value == least):
            raise ValueError(wanted)
        return float(value)

    return {"check": check}


def whole_field(least: int, most: int = 1_000_000_000) -> Any:
    """A whole number from `least` to `most`."""

    def check(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return value

    return {"check": check}


def dollars(value: object) -> Decimal:
    """An amount as a number or, so that no cent is lost, as text."""
    wanted = "an amount of US dollars, at least 0, such as 10.00"
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float | str):
        raise ValueError(wanted)
    try:
        amount = Decimal(value) if isinstance(value, str) else exact(value)
    except InvalidOperation:
        raise ValueError(wanted) from None
    if not amount.is_finite() or not 0 <= amount <= GREATEST_AMOUNT:
        raise ValueError(wanted)
    return amount


def names(value: object) -> tuple[str, ...]:
    """Names that are there, each once."""
    wanted = "a list of different, non-empty names"
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(wanted)
    if not all(isinstance(name, str) and name for name in value) or len(set(value)) != len(value):
        raise ValueError(wanted)
    return tuple(value)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the policy whose every field knows what it may hold, however it was built."""

    path: ClassVar[str]

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            check: Callable[[object], object] = entry.metadata["check"]
            try:
                object.__setattr__(self, entry.name, check(value))
            except ValueError as wanted:
                raise UnableToReadPolicy(
                    f"{self.path}.{entry.name} must be {wanted}, not {value!r}."
                ) from None

    def to_dict(self) -> dict[str, Any]:
        """The section as plain values; amounts are strings, so that no cent is lost on the way."""
        return {entry.name: _plain(getattr(self, entry.name)) for entry in fields(self)}

    @classmethod
    def from_dict(cls, written: object) -> Self:
        """Read what `to_dict` wrote; every field must be there and no other."""
        return cls(**entries(cls.path, written, tuple(entry.name for entry in fields(cls))))


def _plain(value: object) -> object:
    if isinstance(value, Decimal | StrEnum):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def entries(path: str, written: object, names: tuple[str, ...]) -> dict[str, Any]:
    """The entries of a mapping that has exactly `names`; the error names what is missing or too many."""
    if not isinstance(written, Mapping):
        raise UnableToReadPolicy(f"{path} must be a mapping with {', '.join(names)}, not {written!r}.")
    for name in written:
        if name not in names:
            raise UnableToReadPolicy(f"{path} has an unknown entry {name!r}; it may have {', '.join(names)}.")
    for name in names:
        if name not in written:
            raise UnableToReadPolicy(f"{path}.{name} is missing.")
    return dict(written)
