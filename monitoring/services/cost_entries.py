"""Cost entries that people write."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.db import transaction

from monitoring.domain.costs import CostKind
from monitoring.models import CostEntry


@transaction.atomic
def record_cost_entry(
    *, day: date, service: str, amount: Decimal, kind: CostKind, source: str, note: str = ""
) -> CostEntry:
    """This will write what `service` cost on the UTC day, as `source` says; said again, it is replaced."""
    entry, _ = CostEntry.objects.update_or_create(
        day=day,
        service=service,
        source=source,
        defaults={"amount": amount, "kind": kind.value, "note": note},
    )
    return entry
