"""The name of a tenant's schema, made from its id and never from anything a person typed."""

import re
from uuid import UUID

SCHEMA_NAME = re.compile(r"^t_[0-9a-f]{12}$")


def schema_name(tenant_id: UUID) -> str:
    """`t_` and the last twelve hex digits of the id.

    The last digits, because the first ones of a UUIDv7 are its time: tenants created in the same
    millisecond would share them.
    """
    return f"t_{tenant_id.hex[-12:]}"
