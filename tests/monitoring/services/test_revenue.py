from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from monitoring.clients.stripe import UnableToReadCharges
from monitoring.domain.costs import CostKind
from monitoring.domain.runs import Outcome
from monitoring.jobs import JOBS
from monitoring.models import CostEntry, JobRun, KeyValue, RevenueDay
from monitoring.services.cost_entries import Spent, record_costs
from monitoring.services.jobs import execute, run_for_slot
from monitoring.services.revenue import close_day, sync_key_values
from tests.monitoring.clients.stripe_server import KEY, charge, stripe_server

pytestmark = pytest.mark.django_db
NOW = datetime(2025, 11, 15, 1, tzinfo=UTC)
DAY = date(2025, 11, 14)
NOON = int(datetime(2025, 11, 14, 12, tzinfo=UTC).timestamp())


@pytest.fixture
def stripe(settings):
    with stripe_server() as server:
        settings.STRIPE_BASE_URL, settings.STRIPE_API_KEY = server.url, KEY
        yield server


def test_a_day_is_closed_and_closing_it_again_changes_nothing(stripe):
    stripe.charges = [charge(n, NOON) for n in range(150)] + [charge(500, NOON, paid=False, status="failed")]
    record_costs([Spent(DAY, "openai", Decimal("1.50"))], source="test")

    first, second = close_day(DAY, now=NOW), close_day(DAY, now=NOW)

    assert first == second
    assert (first.revenue.revenue, first.revenue.fees, first.revenue.failed_charges) == (
        3000,
        Decimal("132.00"),
        1,
    )
    assert first.net_margin == Decimal(3000) - Decimal("132.00") - Decimal("1.50")
    assert RevenueDay.objects.get().paid_charges == 150
    assert CostEntry.objects.get(service="stripe").amount == 132


def test_without_a_key_the_job_says_which_setting_is_missing_and_fixed_costs_stand(settings):
    settings.STRIPE_API_KEY = ""

    run = run_for_slot(JOBS["cost_dashboard"], at=NOW, by="test")
    execute(run.pk)

    run = JobRun.objects.get(pk=run.pk)
    assert run.outcome == Outcome.SKIPPED.value
    assert "STRIPE_API_KEY" in run.summary
    assert CostEntry.objects.filter(kind=CostKind.FIXED.value).exists()
    assert not RevenueDay.objects.exists()


def test_the_job_fails_when_stripe_does_and_stores_no_revenue(stripe, settings):
    settings.STRIPE_API_KEY = "rk_test_wrong"
    run = run_for_slot(JOBS["cost_dashboard"], at=NOW, by="test")

    with pytest.raises(UnableToReadCharges):
        execute(run.pk)

    assert JobRun.objects.get(pk=run.pk).outcome == Outcome.ERROR.value
    assert not RevenueDay.objects.exists()


def test_the_job_closes_yesterday(stripe):
    stripe.charges = [charge(1, NOON)]
    run = run_for_slot(JOBS["cost_dashboard"], at=NOW, by="test")
    execute(run.pk)

    summary = JobRun.objects.get(pk=run.pk).summary
    assert summary.startswith("2025-11-14: revenue $20.00, fees $0.88, 0 failed payments")


def test_key_values_are_sums_of_30_days_and_empty_where_unknown():
    assert sync_key_values(now=NOW) == dict.fromkeys(
        ("openai_cost_30d", "infra_cost_30d", "stripe_revenue_30d"), ""
    )
    for days in (0, 1, 30, 31):
        record_costs([Spent(NOW.date() - timedelta(days=days), "openai", Decimal(1))], source="test")
    record_costs([Spent(DAY, "db", Decimal(2)), Spent(DAY, "stripe", Decimal(9))], source="stripe")

    sync_key_values(now=NOW)

    assert dict(KeyValue.objects.values_list("key", "value")) == {
        "openai_cost_30d": "2.00", "infra_cost_30d": "2.00", "stripe_revenue_30d": "",
    }  # fmt: skip


def test_the_job_writes_the_key_values():
    run = run_for_slot(JOBS["kv_cost_sync"], at=NOW, by="test")
    execute(run.pk)

    assert KeyValue.objects.count() == 3


def test_costs_are_imported_once(tmp_path, capsys):
    file = tmp_path / "costs.csv"
    file.write_text("day,service,amount,kind\n2025-11-13,openai,1.25,metered\n2025-11-14,aws,3,\n")

    call_command("import_costs", str(file))
    call_command("import_costs", str(file))

    assert capsys.readouterr().out.splitlines() == [
        "2 cost entries: 2 new, 0 replaced.", "2 cost entries: 0 new, 2 replaced.",
    ]  # fmt: skip
    assert CostEntry.objects.filter(source="csv").count() == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("day,amount\n", "lacks service"),
        ("day,service,amount,colour\n", "has colour"),
        ("day,service,amount\n", "holds no entry"),
        ("day,service,amount\n2025-13-01,a,1\n", "line 2: day '2025-13-01' is no day"),
        ("day,service,amount\n2025-11-01,a,-1\n", "line 2: amount '-1' must be"),
        ("day,service,amount\n2025-11-01,a,NaN\n", "line 2: amount 'NaN' must be"),
        ("day,service,amount\n2025-11-01,a,x\n", "line 2: amount 'x' is no number"),
        ("day,service,amount\n2025-11-01,,1\n", "line 2: service must have"),
        ("day,service,amount\n2025-11-01,a\n", "line 2: the number of values"),
        ("day,service,amount\n2025-11-01,a,1\n2025-11-01,a,2\n", "line 3: a stands on 2025-11-01 twice"),
        ("day,service,amount,kind\n2025-11-01,a,1,free\n", "line 2: kind 'free' is none of"),
        ("day,service,amount,currency\n2025-11-01,a,1,EUR\n", "line 2: currency 'EUR' is not USD"),
    ],
)
def test_a_bad_file_of_costs_is_refused_by_line(tmp_path, text, words):
    file = tmp_path / "costs.csv"
    file.write_text(text)

    with pytest.raises(CommandError) as refused:
        call_command("import_costs", str(file))

    assert words in str(refused.value)
    assert not CostEntry.objects.filter(source="csv").exists()
