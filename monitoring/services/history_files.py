"""Opens a file of history and reads it row by row, with the line each row stands on."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from monitoring.domain.history import BadRow, Past, columns_of, read_fields, read_sample

_SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "prometheus"}
# A range query is one JSON document and is read whole.
_LARGEST_DOCUMENT = 512 * 1024 * 1024
# A line that csv would otherwise let grow without end.
_LONGEST_LINE = 1024 * 1024


class UnableToRead(Exception):
    """The file cannot be read as history; the message says where and why."""


Place = str


def read_history(path: Path) -> Iterator[tuple[Place, Past | BadRow]]:
    """Yield each row with where it stands ("line 7"); what cannot be read is its BadRow.

    Raises:
        UnableToRead: for a file of unknown type, without rows, or broken as a whole.
    """
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise UnableToRead(f"{path.name}: the name must end in {', '.join(_SUFFIXES)}.")
    reader = {"csv": _read_csv, "jsonl": _read_lines, "prometheus": _read_prometheus}[kind]
    try:
        rows = reader(path)
        first = next(rows, None)
        if first is None:
            raise UnableToRead(f"{path.name} holds no observation.")
        yield first
        yield from rows
    except OSError as error:
        raise UnableToRead(f"{path.name} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise UnableToRead(f"{path.name} is not UTF-8 near byte {error.start} of a block.") from error
    except csv.Error as error:
        raise UnableToRead(f"{path.name} is not CSV: {error}.") from error


def _read_csv(path: Path) -> Iterator[tuple[Place, Past | BadRow]]:
    csv.field_size_limit(_LONGEST_LINE)
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.reader(file, strict=True)
        header = next(rows, [])
        try:
            columns = columns_of(header)
        except BadRow as error:
            raise UnableToRead(f"{path.name}, line 1: {error}") from error
        places = [(field, header.index(name)) for field, name in columns.items()]
        for row in rows:
            if not row:
                continue
            if len(row) != len(header):
                yield f"line {rows.line_num}", BadRow(f"{len(row)} values where the header has {len(header)}")
                continue
            try:
                yield f"line {rows.line_num}", read_fields({field: row[at] for field, at in places})
            except BadRow as error:
                yield f"line {rows.line_num}", error


def _read_lines(path: Path) -> Iterator[tuple[Place, Past | BadRow]]:
    known: tuple[str, ...] = ()
    columns: dict[str, str] = {}
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                values = _object(line)
                if tuple(values) != known:
                    columns, known = columns_of(list(values)), tuple(values)
                yield f"line {number}", read_fields({field: values[name] for field, name in columns.items()})
            except BadRow as error:
                yield f"line {number}", error


def _object(line: str) -> dict[str, Any]:
    if len(line) > _LONGEST_LINE:
        raise BadRow("the line is longer than 1 MiB")
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadRow("the line is not JSON") from error
    if not isinstance(values, dict):
        raise BadRow("the line is not a JSON object")
    return values


def _read_prometheus(path: Path) -> Iterator[tuple[Place, Past | BadRow]]:
    if path.stat().st_size > _LARGEST_DOCUMENT:
        raise UnableToRead(f"{path.name} is larger than 512 MiB. Query a shorter range at a time.")
    try:
        document = json.loads(path.read_bytes())
    except json.JSONDecodeError as error:
        raise UnableToRead(
            f"{path.name} is not JSON at line {error.lineno}, column {error.colno}."
        ) from error
    except (ValueError, RecursionError) as error:
        raise UnableToRead(f"{path.name} is not JSON: {type(error).__name__}.") from error
    found = (
        document.get("data") if isinstance(document, dict) and document.get("status") == "success" else None
    )
    if not isinstance(found, dict) or found.get("resultType") != "matrix":
        raise UnableToRead(f'{path.name} is no answer of /api/v1/query_range with "resultType": "matrix".')
    series = found.get("result")
    if not isinstance(series, list) or len(series) != 1 or not isinstance(series[0], dict):
        count = len(series) if isinstance(series, list) else 0
        raise UnableToRead(
            f"{path.name} holds {count} series; an endpoint is one. Narrow the query, "
            'such as probe_success{instance="https://example.com"}.'
        )
    for number, sample in enumerate(chain(series[0].get("values") or ()), 1):
        try:
            yield f"sample {number}", read_sample(sample)
        except BadRow as error:
            yield f"sample {number}", error
