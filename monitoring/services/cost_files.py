"""Reads a CSV file of costs."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from monitoring.domain.costs import CostKind
from monitoring.services.cost_entries import Spent

_MUST = {"day", "service", "amount"}
_MAY = {"kind", "note", "currency"}
_LARGEST = Decimal(10) ** 8
_ERRORS_SHOWN = 20


class UnableToReadCosts(Exception):
    """The file is no list of costs; the message names the lines."""


def read_costs(path: Path) -> list[Spent]:
    """The entries of a file with the columns day, service, amount, and maybe kind, note, currency.

    Raises:
        UnableToReadCosts: naming the first twenty lines that are wrong, each with the reason.
    """
    errors: list[str] = []
    found: dict[tuple[date, str], Spent] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file, strict=True)
            _check_header(path, set(rows.fieldnames or ()))
            for row in rows:
                try:
                    spent = _spent(row)
                    if found.setdefault((spent.day, spent.service), spent) is not spent:
                        raise ValueError(f"{spent.service} stands on {spent.day} twice; add them up first")
                except ValueError as error:
                    errors.append(f"line {rows.line_num}: {error}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnableToReadCosts(f"{path.name} cannot be read: {error}.") from error
    if errors:
        raise UnableToReadCosts("\n".join([*errors[:_ERRORS_SHOWN], "Nothing was stored."]))
    if not found:
        raise UnableToReadCosts(f"{path.name} holds no entry.")
    return list(found.values())


def _check_header(path: Path, names: set[str]) -> None:
    missing, extra = _MUST - names, names - _MUST - _MAY
    if missing or extra:
        said = [f"lacks {', '.join(sorted(missing))}"] * bool(missing)
        said += [f"has {', '.join(sorted(map(str, extra)))}, which is not known"] * bool(extra)
        raise UnableToReadCosts(f"{path.name}, line 1: the header {' and '.join(said)}.")


def _spent(row: dict[str, str | None]) -> Spent:
    if None in row or None in row.values():
        raise ValueError("the number of values differs from the header's")
    cells = {name: (value or "").strip() for name, value in row.items()}
    try:
        day = date.fromisoformat(cells["day"])
    except ValueError as error:
        raise ValueError(f"day {cells['day']!r:.40} is no day; write 2025-11-15") from error
    service, note = cells["service"], cells.get("note", "")
    if not 1 <= len(service) <= 64 or len(note) > 200 or "\0" in service + note:
        raise ValueError("service must have 1 to 64 characters, note at most 200, and no NUL")
    if cells.get("currency", "USD") not in ("USD", ""):
        raise ValueError(f"currency {cells['currency']!r:.10} is not USD; convert it first")
    try:
        kind = CostKind(cells.get("kind") or CostKind.METERED.value)
    except ValueError as error:
        raise ValueError(f"kind {cells['kind']!r:.40} is none of {', '.join(CostKind)}") from error
    return Spent(day, service, _amount(cells["amount"]), kind, note)


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"amount {text!r:.40} is no number") from error
    if not amount.is_finite() or not 0 <= amount < _LARGEST:
        raise ValueError(f"amount {text!r:.40} must be from 0 to 100 million")
    return amount
