"""Reads the audit chains and compares them with the heads of the last check."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.core import signing
from django.db import connection

from tenancy.context import control_transaction
from tenancy.domain.audit_chain import AuditRow, ChainReport, Head, verify_chain

_SALT = "levqor.audit.heads"
_AT_ONCE = 2_000
_ROWS_SQL = """
    SELECT seq, event, actor, metadata::text, at, prev_hash, hash
    FROM tenant_audit WHERE tenant_id = %s AND seq > %s ORDER BY seq LIMIT %s
"""


class UnableToReadHeads(Exception):
    """The file with the heads of the last check is not what was written."""


@dataclass(frozen=True, slots=True)
class TenantChain:
    """One tenant's chain and what was found in it."""

    ext_id: str
    report: ChainReport


def check_chains(known: dict[UUID, Head]) -> list[tuple[UUID, TenantChain]]:
    """Verify every tenant's chain against `known`. One query for each 2,000 rows."""
    with control_transaction("audit check"), connection.cursor() as cursor:
        cursor.execute("SELECT id, ext_id FROM tenants ORDER BY ext_id")
        tenants: dict[UUID, str] = dict(cursor.fetchall())
    # A tenant that was known and is no more has lost its whole chain with it.
    for tenant_id in known:
        tenants.setdefault(tenant_id, str(tenant_id))
    return [
        (tenant_id, TenantChain(ext_id, verify_chain(tenant_id, _rows(tenant_id), known.get(tenant_id))))
        for tenant_id, ext_id in tenants.items()
    ]


def _rows(tenant_id: UUID) -> Iterator[AuditRow]:
    last = -(2**63)
    while True:
        with control_transaction("audit check"), connection.cursor() as cursor:
            cursor.execute(_ROWS_SQL, [tenant_id, last, _AT_ONCE])
            rows = cursor.fetchall()
        yield from (AuditRow(*row) for row in rows)
        if len(rows) < _AT_ONCE:
            return
        last = rows[-1][0]


def read_heads(path: Path) -> dict[UUID, Head]:
    """The heads of the last check; empty when there was none.

    Raises:
        UnableToReadHeads: when the file was changed, or signed with another SECRET_KEY.
    """
    if not path.exists():
        return {}
    try:
        heads = json.loads(signing.Signer(salt=_SALT).unsign(path.read_text().strip()))
        return {UUID(tenant): Head(int(seq), str(digest)) for tenant, (seq, digest) in heads.items()}
    except (signing.BadSignature, ValueError, TypeError, UnicodeDecodeError) as error:
        raise UnableToReadHeads(
            f"{path} is not as this portal wrote it (changed, or signed with another SECRET_KEY)."
        ) from error


def save_heads(path: Path, heads: dict[UUID, Head]) -> None:
    """This will keep the heads outside the database, signed, replacing the file in one step."""
    text = json.dumps({str(tenant): [head.seq, head.hash] for tenant, head in sorted(heads.items())})
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.write_text(signing.Signer(salt=_SALT).sign(text) + "\n")
    os.replace(draft, path)
