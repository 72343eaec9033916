"""The open addresses of this app."""

from django.urls import path

from monitoring import views

urlpatterns = [
    path("health", views.health, name="health"),
    path("metrics", views.metrics, name="metrics"),
    path("public/metrics", views.public_metrics, name="public-metrics"),
]
