"""Placeholder module until the embedded servers land: reads the addresses that `up` wrote."""

import json
from pathlib import Path


def addresses(var: Path) -> dict[str, str]:
    """The addresses of the embedded servers, or nothing when they do not run."""
    path = var / "runtime.json"
    return json.loads(path.read_text()) if path.exists() else {}
