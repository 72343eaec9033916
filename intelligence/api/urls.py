"""The addresses under `/api/` that belong to this app, and the OpenAPI document of all of them."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from intelligence.api import growth, views
from tenancy.api import schema

# Importing it is what registers the description of the token.
SCHEMES = (schema.TokenScheme,)

urlpatterns = [
    path("intelligence/status", views.StatusView.as_view(), name="intelligence-status"),
    path("intelligence/anomalies", views.AnomaliesView.as_view(), name="intelligence-anomalies"),
    path(
        "intelligence/recommendations",
        views.RecommendationsView.as_view(),
        name="intelligence-recommendations",
    ),
    path("intelligence/forecasts", views.ForecastsView.as_view(), name="intelligence-forecasts"),
    path("intelligence/health", views.HealthView.as_view(), name="intelligence-health"),
    path("intelligence/growth-events", growth.GrowthEventsView.as_view(), name="intelligence-growth-events"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
]
