from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from django.urls import reverse

from monitoring.services.cost_entries import Spent, record_costs
from tests.people import browser_of, make_superuser

pytestmark = pytest.mark.django_db
MONTH = reverse("admin:monitoring_costentry_month")


@pytest.fixture(autouse=True)
def _spent():
    with time_machine.travel(datetime(2025, 11, 15, 12, tzinfo=UTC), tick=False):
        record_costs(
            [
                Spent(date(2025, 11, 12), "=cmd()", Decimal(3)),
                Spent(date(2025, 11, 13), "db", Decimal(2)),
                Spent(date(2025, 11, 15), "db", Decimal(40)),
            ],
            source="test",
        )
        yield


def test_the_month_shows_totals_and_marks_unknown_days():
    page = browser_of(make_superuser()).get(f"{MONTH}?month=2025-11").text

    assert "Total $45.00" in page
    assert "12 completed days are unknown" in page
    assert page.count("<td>unknown</td>") == 12
    assert page.count("stands out") == 1
    assert "$80.00 by midnight" in page


def test_the_file_is_safe_for_a_spreadsheet_and_says_unknown():
    lines = browser_of(make_superuser()).get(f"{MONTH}?month=2025-11&format=csv").text.splitlines()

    assert lines[0] == "day,'=cmd(),db,total"
    assert lines[12] == "2025-11-12,3.0,,3.0"
    assert lines[14] == "2025-11-14,,,unknown"


@pytest.mark.parametrize("month", ["nonsense", "9999-12", "0001-01", ""])
def test_an_odd_month_is_no_failure(month):
    assert browser_of(make_superuser()).get(f"{MONTH}?month={month}").status_code == 200
