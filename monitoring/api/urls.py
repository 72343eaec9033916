"""The addresses under `/api/` that belong to this app."""

from django.urls import path

from monitoring.api import views

urlpatterns = [
    path("monitoring/health", views.HealthIngestionView.as_view(), name="monitoring-health"),
    path("monitoring/costs", views.CostIngestionView.as_view(), name="monitoring-costs"),
]
