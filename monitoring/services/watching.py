"""What an operator asks of an endpoint that is known already."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from monitoring.models import Endpoint, EndpointState
from monitoring.services.endpoints import UnableToWatch, ensure_state


@transaction.atomic
def probe_soon(*, ids: Collection[int], now: datetime) -> int:
    """This will make the endpoints due now, for the prober's next tick, and return how many were not yet."""
    return EndpointState.objects.filter(endpoint_id__in=ids, next_due_at__gt=now).update(next_due_at=now)


@transaction.atomic
def watch_again(*, name: str, now: datetime) -> Endpoint:
    """This will take up the probing of a paused endpoint as it was left, first probe at once.

    Raises:
        UnableToWatch: when there is no endpoint of that name.
    """
    endpoint = Endpoint.objects.select_for_update().filter(name=name).first()
    if endpoint is None:
        raise UnableToWatch(f"No endpoint is named {name!r}. `manage.py endpoints` lists them.")
    endpoint.enabled = True
    endpoint.save(update_fields=["enabled"])
    ensure_state(endpoint, now=now)
    probe_soon(ids=[endpoint.pk], now=now)
    return endpoint
