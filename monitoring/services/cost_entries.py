"""Cost entries that people and programs write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Spent:
    """What one service cost on one UTC day."""

    day: date
    service: str
    amount: Decimal
    kind: CostKind = CostKind.METERED
    note: str = ""


@transaction.atomic
def record_costs(spent: Sequence[Spent], *, source: str) -> int:
    """This will write the entries as `source` says them, replacing what it said before; how many are new.

    Two statements. Of two that name the same day and service the later one counts.
    """
    by_place = {(one.day, one.service): one for one in spent}
    days = {day for day, _ in by_place}
    known = set(
        CostEntry.objects.filter(source=source, day__in=days).values_list("day", "service").iterator()
    )
    CostEntry.objects.bulk_create(
        [
            CostEntry(
                day=one.day,
                service=one.service,
                amount=one.amount,
                kind=one.kind.value,
                source=source,
                note=one.note,
            )
            for _, one in sorted(by_place.items())
        ],
        update_conflicts=True,
        unique_fields=["day", "service", "source"],
        update_fields=["amount", "kind", "note"],
        batch_size=1000,
    )
    return len(by_place.keys() - known)
