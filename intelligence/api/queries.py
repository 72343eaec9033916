"""What may stand in the query of each list: every parameter is checked, and an unknown one is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.core import signing
from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from intelligence.domain.arguments import MAX_ROWS
from intelligence.services.lists import PageQuery, Place
from monitoring.domain.observing import Severity

_Query = TypeVar("_Query", bound=serializers.Serializer[Any])
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LONGEST_CURSOR = 200
# Within these every time can be put into PostgreSQL and into an hour without overflow.
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(9000, 1, 1, tzinfo=UTC)


@extend_schema_field(OpenApiTypes.DATETIME)
class MomentField(serializers.Field[datetime, str, str, Any]):
    """An instant in ISO 8601, with a time zone: without one it would be a guess."""

    def to_internal_value(self, data: str) -> datetime:
        # A plus sign that nobody escaped arrives as a space.
        moment = _parsed(data) or _parsed(data.replace(" ", "+"))
        if moment is None or moment.tzinfo is None:
            raise serializers.ValidationError(
                "Write an instant in ISO 8601 with a time zone, for example 2025-11-18T09:00:00Z."
            )
        try:
            moment = moment.astimezone(UTC)
        except OverflowError:
            moment = _LAST
        if not _FIRST <= moment < _LAST:
            raise serializers.ValidationError("Write an instant between the years 1970 and 9000.")
        return moment

    def to_representation(self, value: datetime) -> str:
        return value.isoformat()


class WholeNumberField(serializers.IntegerField):
    """Digits and nothing else: no `1_0`, no `10.0`, no digits of other scripts."""

    def to_internal_value(self, data: Any) -> int:
        if not (isinstance(data, str) and data.isascii() and data.isdigit()):
            self.fail("invalid")
        return super().to_internal_value(data)


class ListQuery(serializers.Serializer[Any]):
    """The parameters that every list takes."""

    # The name under which cursors are signed: one list's cursor opens no other.
    list_name = ""
    default_limit = 20

    limit = WholeNumberField(
        min_value=1, max_value=MAX_ROWS, required=False, help_text="How many rows, 1 to 200."
    )
    cursor = serializers.CharField(
        max_length=_LONGEST_CURSOR, required=False, help_text="`next` of the page before."
    )
    start = MomentField(required=False, help_text="Rows at or after this instant, ISO 8601.")
    end = MomentField(required=False, help_text="Rows before this instant, ISO 8601.")

    def validate_cursor(self, value: str) -> Place:
        try:
            text = _signer(self.list_name).unsign(value)
            micros, _, pk = text.partition(".")
            return _EPOCH + int(micros) * _MICROSECOND, self._accept_id(pk)
        except (signing.BadSignature, ValueError, OverflowError):
            raise serializers.ValidationError(
                "This is no cursor of this list. Take `next` of a page as it is, or begin without one."
            ) from None

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "start" in attrs and "end" in attrs and attrs["start"] >= attrs["end"]:
            raise serializers.ValidationError({"start": ["The start must be before the end."]})
        return attrs

    def page_query(self, now: datetime) -> PageQuery:
        """The checked parameters."""
        found = self.validated_data
        return PageQuery(
            limit=found.get("limit", self.default_limit),
            start=found.get("start"),
            end=found.get("end"),
            before=found.get("cursor"),
            component=found.get("component", ""),
            severity=found.get("severity", ""),
            now=now,
        )

    @classmethod
    def next_cursor(cls, place: Place | None) -> str | None:
        """The signed cursor of a place in this list."""
        if place is None:
            return None
        ts, pk = place
        return _signer(cls.list_name).sign(f"{(ts - _EPOCH) // _MICROSECOND}.{pk}")

    @staticmethod
    def _accept_id(text: str) -> str:
        return str(UUID(text))


class StatusQuery(serializers.Serializer[Any]):
    """The status takes no parameters."""


class EventsQuery(ListQuery):
    list_name = "anomalies"
    default_limit = 20

    component = serializers.CharField(max_length=100, required=False, help_text="Rows of this component.")
    severity = serializers.ChoiceField(
        choices=[severity.value for severity in Severity], required=False, help_text="Rows of this severity."
    )


class RecommendationsQuery(ListQuery):
    list_name = "recommendations"
    default_limit = 5


class ForecastsQuery(ListQuery):
    list_name = "forecasts"
    default_limit = 10


class HealthQuery(ListQuery):
    list_name = "health"
    default_limit = 50

    component = serializers.CharField(
        max_length=100, required=False, help_text="Observations of this component's endpoints."
    )

    @staticmethod
    def _accept_id(text: str) -> str:
        return str(int(text))


def check_query(request: Request, kind: type[_Query]) -> _Query:
    """Read the request's query through `kind`.

    Raises:
        ValidationError: for a parameter that is bad, repeated or not known to this address.
    """
    given = request.query_params
    query = kind(data={name: given[name] for name in given})
    wrong: dict[str, list[str]] = {}
    known = ", ".join(query.fields) or "none"
    for name, values in given.lists():
        if name not in query.fields:
            wrong[_shown(name)] = [f"There is no such parameter here. Known: {known}."]
        elif len(values) > 1:
            wrong[name] = ["Give this parameter once."]
    if not query.is_valid():
        wrong = {**query.errors, **wrong}
    if wrong:
        raise serializers.ValidationError(wrong)
    return query


def _parsed(text: str) -> datetime | None:
    try:
        return parse_datetime(text)
    except ValueError:
        return None


def _shown(name: str) -> str:
    """A stranger's parameter name, short enough to be said back."""
    return name[:64] or "(empty name)"


def _signer(list_name: str) -> signing.Signer:
    return signing.Signer(salt=f"levqor.cursor.{list_name}", sep="~")
