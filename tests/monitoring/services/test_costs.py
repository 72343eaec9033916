from datetime import date, timedelta
from decimal import Decimal

import pytest

from monitoring.domain.costs import CostKind
from monitoring.models import CostEntry, FixedCost
from monitoring.services.costs import accrue_fixed_costs, entries_between
from tests.factories import NOON

pytestmark = pytest.mark.django_db


def totals():
    days: dict[date, Decimal] = {}
    for entry in CostEntry.objects.all():
        days[entry.day] = days.get(entry.day, Decimal(0)) + entry.amount
    return {day.isoformat(): str(total.normalize()) for day, total in sorted(days.items())}


def test_accrue_fixed_costs_writes_the_seeds_seven_dollars_for_today():
    assert accrue_fixed_costs(now=NOON) == 2
    assert totals() == {"2025-11-15": "7"}


def test_accrue_fixed_costs_fills_the_days_the_portal_slept_and_doubles_none():
    accrue_fixed_costs(now=NOON)

    assert accrue_fixed_costs(now=NOON + timedelta(days=2)) == 4
    assert accrue_fixed_costs(now=NOON + timedelta(days=2)) == 0
    assert totals() == {"2025-11-15": "7", "2025-11-16": "7", "2025-11-17": "7"}


def test_accrue_fixed_costs_pays_an_item_only_while_it_runs():
    FixedCost.objects.filter(service="database").update(ends_on=date(2025, 11, 15))
    FixedCost.objects.create(service="cdn", daily_amount="1.50", starts_on=date(2025, 11, 16))
    accrue_fixed_costs(now=NOON)

    accrue_fixed_costs(now=NOON + timedelta(days=1))

    assert totals() == {"2025-11-15": "7", "2025-11-16": "6.5"}


def test_entries_between_adds_up_by_day_service_and_kind():
    for source, amount in [("a", "1.25"), ("b", "2.25")]:
        CostEntry.objects.create(day=NOON.date(), service="cdn", amount=amount, kind="metered", source=source)

    entries = entries_between(NOON.date(), NOON.date())

    assert [(entry.service, entry.amount, entry.kind) for entry in entries] == [
        ("cdn", Decimal("3.5"), CostKind.METERED)
    ]
