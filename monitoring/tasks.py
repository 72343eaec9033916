"""What workers do for monitoring: each task reads the clock, calls one service and says what it did."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from monitoring.domain.observing import Source
from monitoring.services.probing import batches, claim_due, probe_endpoints


@shared_task(name="monitoring.tasks.probe_tick", expires=5)
def probe_tick() -> str:
    """Claim what is due and hand it on in batches."""
    claimed = claim_due(now=timezone.now())
    for ids in batches(claimed):
        probe_batch.delay(endpoint_ids=ids)
    return f"{len(claimed)} endpoints due"


@shared_task(name="monitoring.tasks.probe_batch", expires=60)
def probe_batch(*, endpoint_ids: list[int]) -> str:
    """Probe a batch at once and record it."""
    probed, flips = probe_endpoints(endpoint_ids, source=Source.MONITOR)
    return f"{len(probed)} probed, {len(flips)} changes of standing"
