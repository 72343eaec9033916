"""Where two records differ, entry by entry, in words."""

from __future__ import annotations

from typing import Any

_LONGEST = 160


def differing_entries(then: Any, now: Any, path: str) -> tuple[str, ...]:
    """A sentence for each entry in which plain values (of JSON) differ; none when they are equal."""
    if isinstance(then, dict) and isinstance(now, dict):
        return tuple(text for name in {**then, **now} for text in _entry(then, now, name, f"{path}.{name}"))
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        return tuple(
            text
            for place, (old, new) in enumerate(zip(then, now, strict=True))
            for text in differing_entries(old, new, f"{path}[{_label(old, place)}]")
        )
    return () if then == now else (f"{path} was {_shown(then)}, is {_shown(now)}.",)


def _entry(then: dict[str, Any], now: dict[str, Any], name: str, path: str) -> tuple[str, ...]:
    if name not in now:
        return (f"{path} was {_shown(then[name])}, is gone.",)
    if name not in then:
        return (f"{path} was not there, is {_shown(now[name])}.",)
    return differing_entries(then[name], now[name], path)


def _label(value: Any, place: int) -> str:
    """What an entry of a list is called: its key, day or name rather than its place."""
    if isinstance(value, dict):
        for name in ("key", "day", "endpoint", "id", "subsystem"):
            if name in value:
                return str(value[name])
    return str(place)


def _shown(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
