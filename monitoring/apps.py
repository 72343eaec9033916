from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    """Measures the platform and judges what it measured."""

    name = "monitoring"
    verbose_name = "Monitoring"
    default_auto_field = "django.db.models.BigAutoField"
