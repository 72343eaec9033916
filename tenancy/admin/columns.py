"""Columns that several lists share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin


def moment(field: str, label: str = "") -> Callable[[Any], str]:
    """The moment in `field`, in UTC and to the second: a log without seconds explains nothing."""

    @admin.display(description=label or field.replace("_", " "), ordering=field)
    def column(row: Any) -> str:
        at: datetime | None = getattr(row, field)
        return "–" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"

    return column
