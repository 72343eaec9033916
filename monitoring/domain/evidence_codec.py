"""Evidence and policy to plain values and back, without loss.

The field types of the dataclasses are the schema. Moments are ISO 8601 in UTC, amounts are text, and the
floats that JSON does not have (NaN, infinity) are the texts `NaN`, `Infinity` and `-Infinity`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from dataclasses import replace as changed
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from monitoring.domain.evidence import Evidence
from monitoring.domain.figures import amount_text, iso_z
from monitoring.domain.policy import GateKey, Policy


class UnableToDecode(ValueError):
    """A record does not have the form of evidence; the message names the entry and what belongs there."""


def encode_evidence(evidence: Evidence) -> dict[str, Any]:
    """The evidence as plain values for canonical JSON."""
    encoded = _encode(evidence)
    assert isinstance(encoded, dict)  # a dataclass becomes a dict
    return encoded


def decode_evidence(written: object) -> Evidence:
    """What `encode_evidence` wrote, as it was.

    Raises:
        UnableToDecode: for an unknown or missing entry, or a value of another type.
    """
    decoded = _decode("evidence", Evidence, written)
    assert isinstance(decoded, Evidence)  # the class that was asked for
    return decoded


def decode_policy(written: object) -> Policy:
    """A policy out of a record. Unlike an imported one it may lack gates: nobody can pass those.

    Raises:
        UnableToReadPolicy: for everything else that `Policy.from_dict` refuses.
    """
    if not isinstance(written, Mapping) or not isinstance(written.get("gates"), Mapping):
        return Policy.from_dict(written)
    whole = Policy().to_dict()
    gone: dict[str, Any] = {key.value: None for key in GateKey if key.value not in written["gates"]}
    gates = {**{name: whole["gates"][name] for name in gone}, **written["gates"]}
    filled = {**written, "gates": gates}
    if "triggers" not in written:
        gone["triggers"] = None
        filled["triggers"] = whole["triggers"]
    return changed(Policy.from_dict(filled), **gone)


def _encode(value: Any) -> Any:
    if is_dataclass(value):
        return {entry.name: _encode(getattr(value, entry.name)) for entry in fields(value)}
    if isinstance(value, tuple):
        return [_encode(one) for one in value]
    if isinstance(value, datetime):
        return iso_z(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return amount_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _decode(path: str, kind: Any, written: object) -> Any:
    if isinstance(kind, UnionType):
        inner = next(one for one in get_args(kind) if one is not type(None))
        return None if written is None else _decode(path, inner, written)
    if get_origin(kind) is tuple:
        if not isinstance(written, list):
            raise UnableToDecode(f"{path} must be a list, not {written!r}.")
        inner = get_args(kind)[0]
        return tuple(_decode(f"{path}[{place}]", inner, one) for place, one in enumerate(written))
    if is_dataclass(kind):
        return _decode_class(path, kind, written)
    return _decode_value(path, kind, written)


def _decode_class(path: str, kind: Any, written: object) -> Any:
    if not isinstance(written, Mapping):
        raise UnableToDecode(f"{path} must be a mapping, not {written!r}.")
    known = {entry.name: entry for entry in fields(kind)}
    for name in written:
        if name not in known:
            raise UnableToDecode(f"{path} has an unknown entry {name!r}.")
    values = {}
    for name, entry in known.items():
        if name in written:
            values[name] = _decode(f"{path}.{name}", _hints(kind)[name], written[name])
        elif entry.default is MISSING:
            raise UnableToDecode(f"{path}.{name} is missing.")
    return kind(**values)


def _decode_value(path: str, kind: Any, written: object) -> Any:
    try:
        if kind is datetime and isinstance(written, str):
            return datetime.fromisoformat(written).astimezone(UTC)
        if kind is date and isinstance(written, str):
            return date.fromisoformat(written)
        if kind is Decimal and isinstance(written, str):
            return Decimal(written)
        if kind is float and (written in ("NaN", "Infinity", "-Infinity") or _is_number(written)):
            return float(written)  # type: ignore[arg-type]  # one of three words or a number
    except (ValueError, InvalidOperation):
        raise UnableToDecode(f"{path} is no {kind.__name__}: {written!r}.") from None
    if kind is int and isinstance(written, float) and written.is_integer():
        return int(written)
    if type(written) is kind:
        return written
    raise UnableToDecode(f"{path} must be of type {kind.__name__}, not {written!r}.")


def _is_number(written: object) -> bool:
    return isinstance(written, int | float) and not isinstance(written, bool)
