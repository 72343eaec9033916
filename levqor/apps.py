from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class LevqorConfig(AppConfig):
    """Composes the portal; nothing imports it."""

    name = "levqor"
    verbose_name = "Levqor portal"

    def ready(self) -> None:
        # Importing registers the system checks, and makes the Celery application the current one.
        from levqor import celery, checks  # noqa: F401


class OpsAdminConfig(AdminConfig):
    """Django's admin, with our one site as the default."""

    default_site = "levqor.site.OpsAdminSite"
