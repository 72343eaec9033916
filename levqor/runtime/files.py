"""Small files that must be private and never half-written."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any


def write_private(path: Path, content: str) -> None:
    """This will replace `path` by a file of mode 0600 with `content`, in one step, flushed to disk."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_json(path: Path) -> dict[str, Any]:
    """The object in `path`, or an empty one when there is no such file.

    Raises:
        ValueError: the file holds something else; the message says which file.
    """
    try:
        content = path.read_text()
    except FileNotFoundError:
        return {}
    try:
        value = json.loads(content)
    except ValueError as error:
        raise ValueError(
            f"{path} is not JSON ({error}). Restore it, or remove it to have it made anew."
        ) from error
    if not isinstance(value, dict):
        raise ValueError(f"{path} must hold a JSON object. Restore it, or remove it to have it made anew.")
    return value


def write_json(path: Path, value: dict[str, Any]) -> None:
    """This will replace `path` by `value` as JSON, mode 0600."""
    write_private(path, json.dumps(value, indent=1) + "\n")
