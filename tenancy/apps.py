from django.apps import AppConfig


class TenancyConfig(AppConfig):
    """The ground: who the tenants are, and where their rows live."""

    name = "tenancy"
    verbose_name = "Tenancy & Genesis"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from tenancy import checks  # noqa: F401  (importing registers the system checks)
