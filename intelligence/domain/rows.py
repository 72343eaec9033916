"""Small words about rows that leave the portal as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite


def moment(at: datetime | None) -> str | None:
    """ISO 8601 in UTC, ending in Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None


def number(value: float | None) -> float | None:
    """A number JSON can hold: NaN and the infinities are no measurements, and so none."""
    return value if value is not None and isfinite(value) else None
