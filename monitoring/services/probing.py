"""The prober: claims what is due, probes it, records what came back."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from monitoring.clients.probe import ProbeRequest, ProbeResult, probe_stream
from monitoring.domain.assertions import parse_condition
from monitoring.domain.observing import Source
from monitoring.domain.outbound import OutboundPolicy, parse_policy
from monitoring.models import Endpoint
from monitoring.services.recording import Flip, record_probes

# A tick comes every five seconds; what falls due before the middle of the way to the next one goes now.
TICK_S = 5
_LOOK_AHEAD = timedelta(seconds=1)
# Longer than any probe can take: past it, its worker is taken for dead.
LEASE_SLACK_S = 15
BATCH_SIZE = 200

_CLAIM_SQL = """
    WITH due AS (
        SELECT s.endpoint_id
        FROM endpoint_states s JOIN endpoints e ON e.id = s.endpoint_id
        WHERE e.enabled AND s.next_due_at <= %(until)s AND (s.lease_until IS NULL OR s.lease_until < %(now)s)
        ORDER BY s.next_due_at
        LIMIT %(limit)s
        FOR UPDATE OF s SKIP LOCKED
    )
    UPDATE endpoint_states s
    SET lease_until = %(now)s + make_interval(secs => e.timeout_s + %(slack)s),
        next_due_at = CASE WHEN s.next_due_at + c.cadence > %(now)s THEN s.next_due_at + c.cadence
                           ELSE %(now)s + c.cadence END
    FROM due, endpoints e,
         LATERAL (SELECT make_interval(secs => CASE WHEN e.pulse_s > 0 THEN least(e.interval_s, e.pulse_s)
                                                    ELSE e.interval_s END) AS cadence) c
    WHERE s.endpoint_id = due.endpoint_id AND e.id = s.endpoint_id
    RETURNING s.endpoint_id
"""
# Only variables made for this purpose: a header must not be a way to read the portal's own secrets.
_REFERENCE = re.compile(r"\$\{(LEVQOR_PROBE_[A-Z0-9_]+)\}")


class UnableToProbe(Exception):
    """An endpoint cannot be probed as it is written; the message says what to mend."""


def claim_due(*, now: datetime, limit: int = 5000) -> list[int]:
    """This will claim the endpoints that are due and return their ids. One statement.

    A claimed endpoint is nobody else's until its lease runs out or its result is recorded, and its next probe
    is planned now, so that a slow answer delays no later probe.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _CLAIM_SQL, {"now": now, "until": now + _LOOK_AHEAD, "limit": limit, "slack": LEASE_SLACK_S}
        )
        return [row[0] for row in cursor.fetchall()]


def batches(ids: Sequence[int]) -> Iterator[list[int]]:
    """`ids` in the portions in which they are handed to workers."""
    for start in range(0, len(ids), BATCH_SIZE):
        yield list(ids[start : start + BATCH_SIZE])


def probe_endpoints(
    ids: Sequence[int], *, source: Source
) -> tuple[list[tuple[Endpoint, ProbeResult]], list[Flip]]:
    """This will probe the endpoints at once and record each group of answers as it arrives.

    Returns every result and the changes of standing they brought.
    """
    with transaction.atomic():
        endpoints = {endpoint.pk: endpoint for endpoint in Endpoint.objects.filter(pk__in=ids)}
    probed: list[tuple[Endpoint, ProbeResult]] = []
    flips: list[Flip] = []
    requests = [probe_request(endpoint) for endpoint in endpoints.values()]
    for group in probe_stream(requests, policy=outbound_policy(), max_concurrent=settings.PROBE_CONCURRENCY):
        recorded = [(endpoints[int(result.key)], result) for result in group]
        flips += record_probes(recorded, source=source)
        probed += recorded
    return probed, flips


def probe_request(endpoint: Endpoint) -> ProbeRequest:
    """What to send to `endpoint`, with the secrets its headers name filled in."""
    return ProbeRequest(
        key=str(endpoint.pk),
        url=endpoint.url,
        method=endpoint.method,
        headers=tuple((name, _filled_in(value)) for name, value in endpoint.headers.items()),
        body=endpoint.body.encode() or None,
        expected_status=endpoint.expected_status,
        conditions=tuple(parse_condition(text) for text in endpoint.conditions),
        timeout_s=endpoint.timeout_s,
    )


def outbound_policy() -> OutboundPolicy:
    """Where the prober may go: the public internet, and what PROBE_ALLOWED_NETWORKS lists."""
    return parse_policy(settings.PROBE_ALLOWED_NETWORKS)


def _filled_in(value: str) -> str:
    def secret(match: re.Match[str]) -> str:
        return settings.LEVQOR_PROBE_KEY if match[1] == "LEVQOR_PROBE_KEY" else os.environ.get(match[1], "")

    return _REFERENCE.sub(secret, value)
