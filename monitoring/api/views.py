"""Takes in observations and costs that programs report."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from monitoring.api.items import CostItem, CostsBody, ObservationItem, ObservationsBody
from monitoring.domain.costs import CostKind
from monitoring.services.cost_entries import Spent, record_costs
from monitoring.services.ingest import Told, UnableToIngest, ingest_observations
from tenancy.api.bodies import ErrorBody, StoredBody
from tenancy.api.ingestion import IDEMPOTENCY_KEY, IngestionView, item_errors

_ERRORS = dict.fromkeys((400, 401, 403, 404, 406, 409, 413, 415, 422, 429), ErrorBody)
_SOURCE = "api"


class HealthIngestionView(IngestionView):
    """Observations that a program made itself."""

    item = ObservationItem

    @extend_schema(
        operation_id="monitoring_health_ingest",
        summary="Report observations, up to 5,000 at once, all or none",
        tags=["monitoring"],
        parameters=[IDEMPOTENCY_KEY],
        request=ObservationsBody,
        responses={201: StoredBody, **_ERRORS},
        examples=[
            OpenApiExample(
                "one",
                value={
                    "items": [
                        {
                            "ts": "2025-11-18T09:00:00Z",
                            "endpoint": "api",
                            "status_code": 200,
                            "latency_ms": 46.0,
                        }
                    ]
                },
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        return self.ingest(request)

    def store(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        try:
            stored = ingest_observations([Told(**item) for item in items], tenant=self.tenant, now=self.now)
        except UnableToIngest as error:
            raise item_errors(error.errors) from error
        return {"stored": stored, "received": len(items)}


class CostIngestionView(IngestionView):
    """The ledger is the platform's own: only members of its tenant may write it."""

    item = CostItem

    @extend_schema(
        operation_id="monitoring_costs_ingest",
        summary="Report costs, up to 5,000 at once, all or none; said again, an entry is replaced",
        tags=["monitoring"],
        parameters=[IDEMPOTENCY_KEY],
        request=CostsBody,
        responses={201: StoredBody, **_ERRORS},
        examples=[
            OpenApiExample(
                "one",
                value={"items": [{"day": "2025-11-18", "service": "openai", "amount": "1.25"}]},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        return self.ingest(request)

    def store(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        if self.tenant.ext_id != settings.DEFAULT_TENANT_ID:
            raise PermissionDenied("The cost ledger is the platform's own; this tenant may not write it.")
        spent = [
            Spent(
                day=item["day"],
                service=item["service"],
                amount=item["amount"],
                kind=CostKind(item["kind"]),
                note=item.get("note", ""),
            )
            for item in items
        ]
        return {"stored": record_costs(spent, source=_SOURCE), "received": len(items)}
