"""What commands read from their arguments."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import UTC, datetime

from django.utils.dateparse import parse_datetime


def instant(text: str) -> datetime:
    """An ISO 8601 instant from the command line; without a zone it is UTC."""
    try:
        parsed = parse_datetime(text)
    except ValueError:
        parsed = None
    if parsed is None:
        raise ArgumentTypeError(f"{text!r} is no instant. Write it as 2025-11-15T09:00Z.")
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
