"""System checks: a wrong setting says what is wrong and how to mend it."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security, deploy=True)
def secret_key_is_set(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """`levqor.E001`: a portal without a key of its own would sign with a known one."""
    if settings.SECRET_KEY_IS_SET:
        return []
    return [
        Error(
            "SECRET_KEY is not set.",
            hint="Set SECRET_KEY in the environment, or start `make run`.",
            id="levqor.E001",
        )
    ]


@register(Tags.database)
def addresses_are_set(app_configs: Any, databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """`levqor.E002`: nothing works without a database and a broker."""
    if not databases:
        return []
    missing = [name for name in ("DATABASE_URL", "REDIS_URL") if not getattr(settings, name)]
    if not missing:
        return []
    hint = "Start `make run`, which brings its own servers, or set the variable."
    return [Error(f"{' and '.join(missing)} not set.", hint=hint, id="levqor.E002")]
