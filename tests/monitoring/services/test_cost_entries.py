from decimal import Decimal

import pytest

from monitoring.domain.costs import CostKind
from monitoring.models import CostEntry
from monitoring.services.cost_entries import record_cost_entry
from tests.factories import NOON

pytestmark = pytest.mark.django_db


def record(amount, source="ada"):
    return record_cost_entry(
        day=NOON.date(), service="kv", amount=Decimal(amount), kind=CostKind.METERED, source=source
    )


def test_record_cost_entry_said_again_replaces_what_was_said():
    first = record("1.50")
    again = record("2.50")

    assert first.pk == again.pk
    assert CostEntry.objects.get().amount == Decimal("2.50")


def test_record_cost_entry_leaves_what_others_said():
    record("1.50")
    record("2.50", source="otto")

    assert sorted(CostEntry.objects.values_list("source", flat=True)) == ["ada", "otto"]
