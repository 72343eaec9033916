"""Signed webhooks, through the prober's guard: only where PROBE_ALLOWED_NETWORKS or the public internet leads.

The receiver computes HMAC-SHA256 with the shared secret over `TIMESTAMP.ID.BODY` and compares it with
`X-Levqor-Signature: sha256=HEX`; it refuses old timestamps and ids that it has seen.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitoring.clients.probe import probe_batch
from monitoring.domain.outbound import OutboundPolicy
from monitoring.domain.probes import ProbeRequest

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """What came of one call: `status` 0 when no answer came."""

    ok: bool
    status: int
    told: str


def signature(secret: str, *, timestamp: str, call_id: str, body: bytes) -> str:
    """The value of `X-Levqor-Signature`."""
    signed = b".".join((timestamp.encode(), call_id.encode(), body))
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def post_signed(
    url: str, payload: dict[str, Any], *, call_id: str, secret: str, now: datetime, policy: OutboundPolicy
) -> HookAnswer:
    """This will post `payload` as JSON once, following no redirect. Faults of the other side never raise.

    Without a secret nothing is sent: a receiver could not tell us from anybody else.
    """
    if not secret:
        return HookAnswer(ok=False, status=0, told="HEAL_WEBHOOK_SECRET is not set, so nothing was sent.")
    body = json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()
    timestamp = str(int(now.timestamp()))
    request = ProbeRequest(
        key=call_id,
        url=url,
        method="POST",
        headers=(
            ("Content-Type", "application/json"),
            ("X-Levqor-Id", call_id),
            ("X-Levqor-Timestamp", timestamp),
            ("X-Levqor-Signature", signature(secret, timestamp=timestamp, call_id=call_id, body=body)),
        ),
        body=body,
        expected_status=None,
        timeout_s=TIMEOUT_S,
        max_redirects=0,
    )
    result = probe_batch([request], policy=policy)[0]
    if result.status and not 200 <= result.status < 300:
        return HookAnswer(ok=False, status=result.status, told=f"The hook answered {result.status}.")
    if not result.ok:
        return HookAnswer(ok=False, status=result.status, told=f"The hook did not answer: {result.error}")
    return HookAnswer(ok=True, status=result.status, told=f"The hook answered {result.status}.")
