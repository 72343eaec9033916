"""Which code judges: the release, and a hash over the source of everything a judgement passes through."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import import_module
from pathlib import Path

from django.conf import settings

from monitoring.domain.verdict_record import Code

# The pure judge. What feeds it shows in the evidence, which is stored and compared by itself.
_JUDGE = (
    "costs",
    "day_readings",
    "evidence",
    "figures",
    "gate_readings",
    "gates",
    "policy",
    "policy_fields",
    "readings",
    "triggers",
    "verdicts",
)


@cache
def code_version() -> Code:
    """The code that is running now."""
    digest = hashlib.sha256()
    for name in _JUDGE:
        source = import_module(f"monitoring.domain.{name}").__file__
        assert source is not None  # a module of ours is a file
        digest.update(f"{name}\n".encode())
        digest.update(Path(source).read_bytes())
    return Code(settings.LEVQOR_VERSION, digest.hexdigest())
