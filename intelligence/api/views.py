"""The five addresses of the intelligence API. All read; none writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from intelligence.api import bodies
from intelligence.api.examples import EXAMPLES
from intelligence.api.queries import (
    EventsQuery,
    ForecastsQuery,
    HealthQuery,
    ListQuery,
    RecommendationsQuery,
    StatusQuery,
    check_query,
)
from intelligence.domain.rows import moment
from intelligence.services import lists
from intelligence.services.lists import Page, PageQuery
from intelligence.services.status import read_status
from tenancy.api.views import TenantAPIView

_ERRORS = dict.fromkeys((400, 401, 403, 404, 406, 429), bodies.ErrorBody)


def _documented(
    name: str, body: type[Any], query: type[Any] | None, summary: str
) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """This will describe an endpoint in the OpenAPI document, with its example."""
    return extend_schema(
        operation_id=f"intelligence_{name}",
        summary=summary,
        tags=["intelligence"],
        parameters=[query] if query else [],
        responses={200: body, **_ERRORS},
        examples=[OpenApiExample(name, value=EXAMPLES[name], response_only=True, status_codes=["200"])],
    )


class StatusView(TenantAPIView):
    """How the platform is, in one answer."""

    @_documented("status", bodies.StatusBody, None, "Summary, newest anomalies, actions, recommendations")
    def get(self, request: Request) -> Response:
        check_query(request, StatusQuery)
        found = dict(read_status(self.now))
        measured_at = found.pop("measured_at")
        return Response({"ok": True, **found, "meta": self.meta(request, measured_at)})


class ListView(TenantAPIView):
    """A list, newest first, a page at a time."""

    query: ClassVar[type[ListQuery]]
    # What the list is called in the body.
    rows_name: ClassVar[str]

    @staticmethod
    def page(query: PageQuery) -> Page:
        raise NotImplementedError

    def more(self) -> dict[str, Any]:
        """What stands in the body besides the rows."""
        return {}

    def list(self, request: Request) -> Response:
        page = self.page(check_query(request, self.query).page_query(self.now))
        body = {
            "ok": True,
            self.rows_name: page.rows,
            "count": len(page.rows),
            "next": self.query.next_cursor(page.next),
            **self.more(),
            "meta": self.meta(request, moment(self.now) or ""),
        }
        return Response(body)


class AnomaliesView(ListView):
    query = EventsQuery
    rows_name = "events"
    page = staticmethod(lists.list_events)

    @_documented("anomalies", bodies.EventsBody, EventsQuery, "Anomalies")
    def get(self, request: Request) -> Response:
        return self.list(request)


class RecommendationsView(ListView):
    query = RecommendationsQuery
    rows_name = "recommendations"
    page = staticmethod(lists.list_recommendations)

    @_documented("recommendations", bodies.RecommendationsBody, RecommendationsQuery, "Recommendations")
    def get(self, request: Request) -> Response:
        return self.list(request)


class ForecastsView(ListView):
    query = ForecastsQuery
    rows_name = "forecasts"
    page = staticmethod(lists.list_forecasts)

    def more(self) -> dict[str, Any]:
        latest = lists.latest_forecast()
        return {"latest": lists.forecast_row(latest) if latest else None}

    @_documented("forecasts", bodies.ForecastsBody, ForecastsQuery, "Forecasts, and the latest of all")
    def get(self, request: Request) -> Response:
        return self.list(request)


class HealthView(ListView):
    query = HealthQuery
    rows_name = "logs"
    page = staticmethod(lists.list_health)

    @_documented("health", bodies.HealthBody, HealthQuery, "Observations")
    def get(self, request: Request) -> Response:
        return self.list(request)
