"""System checks of the ground: refuse to serve when isolation does not hold."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from tenancy.domain.modes import Ceiling
from tenancy.services.isolation import isolation_faults


@register()
def ceiling_is_known(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """`tenancy.E001`: an unknown mode refuses to start."""
    known = [ceiling.value for ceiling in Ceiling]
    if settings.TENANCY_MODE in known:
        return []
    return [
        Error(
            f"TENANCY_MODE is {settings.TENANCY_MODE!r}, which is no mode.",
            hint=f"Set it to one of: {', '.join(known)}.",
            id="tenancy.E001",
        )
    ]


@register(Tags.database)
def isolation_holds(app_configs: Any, databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """`tenancy.E002`: the login must be unprivileged and every tenant table under forced row security."""
    if not databases or "default" not in databases:
        return []
    return [
        Error(
            fault,
            hint="Run `manage.py setup_roles` and `manage.py migrate`; see docs/adr.",
            id="tenancy.E002",
        )
        for fault in isolation_faults(connections["default"])
    ]
