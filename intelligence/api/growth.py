"""Takes in what people did with the product."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from intelligence.domain.growth import GrowthKind
from intelligence.services.growth import Step, record_growth
from tenancy.api.bodies import ErrorBody, StoredBody
from tenancy.api.fields import InstantField, TextField, WholeField
from tenancy.api.ingestion import IDEMPOTENCY_KEY, IngestionView

_ERRORS = dict.fromkeys((400, 401, 403, 404, 406, 409, 413, 415, 422, 429), ErrorBody)


class GrowthItem(serializers.Serializer[Any]):
    kind = serializers.ChoiceField([kind.value for kind in GrowthKind])
    user = TextField(max_length=100, help_text="Your own name for the person; no e-mail address.")
    at = InstantField()
    # The name is the API's; the class attribute of the library is of another kind.
    source = TextField(max_length=100, required=False, allow_blank=True)  # type: ignore[assignment]  # see above
    campaign = TextField(max_length=100, required=False, allow_blank=True)
    plan = TextField(max_length=100, required=False, allow_blank=True)
    revenue_cents = WholeField(
        min_value=0, max_value=10**12, required=False, help_text="US cents; only of kind paid."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "revenue_cents" in attrs and attrs["kind"] != GrowthKind.PAID.value:
            raise serializers.ValidationError({"revenue_cents": ["Only an event of kind paid has it."]})
        return attrs


class GrowthBody(serializers.Serializer[Any]):
    # The stubs do not know that a list of items takes bounds.
    items = GrowthItem(many=True, min_length=1, max_length=5000)  # type: ignore[call-arg]


class GrowthEventsView(IngestionView):
    """The tenant's own people."""

    item = GrowthItem

    @extend_schema(
        operation_id="intelligence_growth_events_ingest",
        summary="Report visits, sign-ups, use and payments, up to 5,000 at once, all or none",
        tags=["intelligence"],
        parameters=[IDEMPOTENCY_KEY],
        request=GrowthBody,
        responses={201: StoredBody, **_ERRORS},
        examples=[
            OpenApiExample(
                "one",
                value={"items": [{"kind": "signup", "user": "u-1042", "at": "2025-11-18T09:00:00Z"}]},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        return self.ingest(request)

    def store(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        steps = [Step(**{**item, "kind": GrowthKind(item["kind"])}) for item in items]
        return {"stored": record_growth(steps), "received": len(items)}
