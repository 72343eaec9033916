"""Writes to the audit chain."""

from __future__ import annotations

import json
from collections.abc import Mapping
from uuid import UUID

from django.db import connection


def append_audit(*, tenant_id: UUID, event: str, actor: str, metadata: Mapping[str, object]) -> int:
    """This will append one event to the tenant's chain and return its number. One query.

    The time and the hashes are made by the database. A tenant's own scope may write to its own chain only.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tenant_audit_append(%s, %s, %s, %s::jsonb)",
            [tenant_id, event, actor, json.dumps(metadata)],
        )
        return int(cursor.fetchone()[0])
