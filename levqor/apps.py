from django.apps import AppConfig, apps
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate


class LevqorConfig(AppConfig):
    """Composes the portal; nothing imports it."""

    name = "levqor"
    verbose_name = "Levqor portal"

    def ready(self) -> None:
        # Importing registers the system checks, and makes the Celery application the current one.
        from levqor import celery, checks  # noqa: F401
        from levqor.roles import after_migrate

        # Once a migration, with the signal of an app that has models (this one has none).
        post_migrate.connect(
            after_migrate, sender=apps.get_app_config("tenancy"), dispatch_uid="levqor.roles"
        )


class OpsAdminConfig(AdminConfig):
    """Django's admin, with our one site as the default."""

    default_site = "levqor.site.OpsAdminSite"
