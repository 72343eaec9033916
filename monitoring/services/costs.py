"""The cost ledger: what was paid, day by day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Min, Sum

from monitoring.domain.costs import CostEntry as CostFacts
from monitoring.domain.costs import CostKind
from monitoring.models import CostEntry, FixedCost

FIXED_SOURCE = "fixed_costs"


@transaction.atomic
def accrue_fixed_costs(*, now: datetime) -> int:
    """This will write the fixed items of every day up to today that has none yet, and return how many.

    The first day is that of the ledger's first fixed entry, or today: before the portal ran nothing is known.
    A constant number of statements.
    """
    today = now.astimezone(UTC).date()
    first = CostEntry.objects.filter(source=FIXED_SOURCE).aggregate(first=Min("day"))["first"] or today
    days = [first + timedelta(days=step) for step in range((today - first).days + 1)]
    before = CostEntry.objects.filter(source=FIXED_SOURCE).count()
    CostEntry.objects.bulk_create(
        [
            CostEntry(
                day=day,
                service=item.service,
                amount=item.daily_amount,
                kind=CostKind.FIXED.value,
                source=FIXED_SOURCE,
                created_at=now,
            )
            for item in FixedCost.objects.order_by("service")
            for day in days
            if (item.starts_on is None or item.starts_on <= day)
            and (item.ends_on is None or day <= item.ends_on)
        ],
        ignore_conflicts=True,
    )
    return CostEntry.objects.filter(source=FIXED_SOURCE).count() - before


def entries_between(first: date, last: date) -> tuple[CostFacts, ...]:
    """The ledger's amounts of the UTC days `first` to `last` by day, service and kind. One query."""
    rows = (
        CostEntry.objects.filter(day__range=(first, last))
        .values("day", "service", "kind")
        .annotate(total=Sum("amount"))
        .order_by("day", "service", "kind")
    )
    return tuple(
        CostFacts(
            day=row["day"], service=row["service"], amount=Decimal(row["total"]), kind=CostKind(row["kind"])
        )
        for row in rows
    )
