"""What all addresses that take in batches have in common."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers, status
from rest_framework.exceptions import APIException, ParseError, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from tenancy.api.views import TenantAPIView
from tenancy.services import idempotency
from tenancy.services.idempotency import Answer, KeyReused, KeyRunning

MAX_ITEMS = 5000
_KEY = re.compile(r"[\x21-\x7e]{1,255}\Z")

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="1 to 255 visible ASCII characters of your choice. A request repeated with the same key and "
    "body within three days is answered as the first one was, and done once.",
)


class Conflict(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_detail = "A request with this Idempotency-Key is being done. Repeat it in a moment."
    wait = 1


class Unprocessable(APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_detail = "This Idempotency-Key was used with another body. Use a new key for a new request."


class IngestionView(TenantAPIView):
    """Takes a batch of items: all of them or none, once for each `Idempotency-Key`."""

    # Reads one item.
    item: ClassVar[type[serializers.Serializer[Any]]]

    def store(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        """This will store the items and return what the body says of it.

        Raises:
            ValidationError: with `items.N.field`, as `item_errors` makes it.
        """
        raise NotImplementedError

    def ingest(self, request: Request) -> Response:
        """Answer a POST."""
        raw: bytes = request._request.body
        key = self._key(request)
        operation = request.path[:100]
        if key:
            kept = self._kept(operation, key, raw)
            if kept is not None:
                return Response(kept.body, status=kept.status_code, headers={"Idempotent-Replayed": "true"})
        body = {"ok": True, **self.store(self._items(request)), "meta": self.meta(request)}
        if key:
            answer = Answer(status.HTTP_201_CREATED, body)
            idempotency.keep_answer(operation=operation, key=key, body=raw, answer=answer, now=self.now)
        return Response(body, status=status.HTTP_201_CREATED)

    def _key(self, request: Request) -> str:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return ""
        if not _KEY.match(key):
            raise ParseError("The Idempotency-Key must be 1 to 255 visible ASCII characters.")
        return key

    def _kept(self, operation: str, key: str, raw: bytes) -> Answer | None:
        try:
            return idempotency.find_answer(operation=operation, key=key, body=raw)
        except KeyRunning as error:
            raise Conflict from error
        except KeyReused as error:
            raise Unprocessable from error

    def _items(self, request: Request) -> list[dict[str, Any]]:
        sent = request.data
        if not isinstance(sent, dict) or set(sent) != {"items"} or not isinstance(sent["items"], list):
            raise ValidationError({"items": ['The body must be {"items": [ … ]} and nothing else.']})
        items = sent["items"]
        if not 1 <= len(items) <= MAX_ITEMS:
            raise ValidationError({"items": [f"Send 1 to {MAX_ITEMS:,} items, not {len(items):,}."]})
        # One reader for all: a list serializer would make the errors of the good ones too.
        reader, errors, read = self.item(context={"view": self}), dict[int, Any](), list[dict[str, Any]]()
        for place, item in enumerate(items):
            extra = sorted(set(item) - set(reader.fields)) if isinstance(item, dict) else ()
            wrong = {name[:60]: ["There is no such field."] for name in extra}
            try:
                read.append(reader.run_validation(item))
            except ValidationError as error:
                found: dict[str, Any] = (
                    error.detail if isinstance(error.detail, dict) else {"item": error.detail}
                )
                wrong = {**found, **wrong}
            if wrong:
                errors[place] = wrong
        if errors:
            raise item_errors(errors)
        return read


def item_errors(errors: dict[int, Any]) -> ValidationError:
    """The error that names each bad item: `items.3.latency_ms`."""
    shown = dict(sorted(errors.items())[:100])
    return ValidationError({"items": {str(place): found for place, found in shown.items()}})
