"""Fields of bodies: JSON's own types and no others, so that nothing is guessed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


@extend_schema_field(OpenApiTypes.DATETIME)
class InstantField(serializers.Field[datetime, Any, str, Any]):
    """An instant in ISO 8601 with a time zone: without one it would be a guess."""

    def to_internal_value(self, data: Any) -> datetime:
        moment = _parsed(data) if isinstance(data, str) and len(data) <= 40 else None
        if moment is None or moment.tzinfo is None:
            raise serializers.ValidationError(
                "Write an instant in ISO 8601 with a time zone, for example 2025-11-18T09:00:00Z."
            )
        # Compared before it is converted: at the ends of the calendar a zone would overflow.
        if not _FIRST.year < moment.year < _LAST.year:
            raise serializers.ValidationError("Write an instant between the years 1971 and 9000.")
        return moment.astimezone(UTC)

    def to_representation(self, value: datetime) -> str:
        return value.isoformat()


class NumberField(serializers.FloatField):
    """A JSON number: neither a text nor true or false."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        return super().to_internal_value(data)


class WholeField(serializers.IntegerField):
    """A JSON number without a fraction."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class TruthField(serializers.BooleanField):
    """`true` or `false`, and nothing that is taken for it."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class TextField(serializers.CharField):
    """A JSON string, kept as it is."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


def _parsed(text: str) -> datetime | None:
    try:
        return parse_datetime(text)
    except ValueError:
        return None
