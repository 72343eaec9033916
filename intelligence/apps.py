from django.apps import AppConfig


class IntelligenceConfig(AppConfig):
    """Thinks about what was measured: anomaly, action, recommendation, forecast."""

    name = "intelligence"
    verbose_name = "Intelligence"
    default_auto_field = "django.db.models.BigAutoField"
