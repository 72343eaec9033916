from importlib import import_module

from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    """Measures the platform and judges what it measured."""

    name = "monitoring"
    verbose_name = "Monitoring"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Whoever evaluates alerts, from a task or a command, finds how the SLOs stand."""
        import_module("monitoring.services.slo")
