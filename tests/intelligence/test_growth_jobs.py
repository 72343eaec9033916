"""The daily and weekly jobs over imported growth and revenue history."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from intelligence.domain.growth import GrowthKind
from intelligence.domain.words import Measure
from intelligence.models import AiForecast, AnalyticsAggregate, ReferralRetention, SeriesForecast
from intelligence.services.growth import Step, record_growth
from intelligence.services.insights import forecast_costs, write_insights, write_retention, write_sources
from intelligence.services.retention import read_cohorts, read_funnel
from monitoring.domain.costs import CostKind
from monitoring.services.cost_entries import record_cost_entry
from tenancy.context import tenant_transaction
from tests.factories import core, make_tenant

pytestmark = pytest.mark.django_db(transaction=True)

# A Sunday.
NOW = datetime(2025, 11, 16, 10, 30, tzinfo=UTC)
TODAY = NOW.date()


def at(day, hour=12):
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def imported(tenant, days=60):
    """Every day one sign-up; all members active every other day; payments with a weekly rhythm."""
    steps = []
    for ago in range(days, 0, -1):
        day = TODAY - timedelta(days=ago)
        source = "Search" if ago % 2 else " "
        steps.append(Step(GrowthKind.VISIT, f"u{ago}", at(day, 8), source=source))
        steps.append(Step(GrowthKind.SIGNUP, f"u{ago}", at(day, 9), source=source))
        steps.append(Step(GrowthKind.ACTIVE, f"u{ago}", at(day)))
        cents = 5000 + 2000 * (day.weekday() < 5)
        steps.append(Step(GrowthKind.PAID, f"u{ago}", at(day, 13), revenue_cents=cents))
    with tenant_transaction(tenant):
        record_growth(steps)


def read(tenant, model, **wanted):
    with tenant_transaction(tenant):
        return list(model.objects.filter(**wanted).order_by("pk"))


def test_retention_counts_the_completed_day_and_writes_it_once():
    imported(core())

    write_retention(NOW)
    write_retention(NOW)

    (row,) = read(core(), AnalyticsAggregate)
    assert (row.day, row.dau, row.wau, row.mau) == (date(2025, 11, 15), 1, 7, 30)


def test_a_tenant_without_records_has_no_data_and_not_zero():
    bolt = make_tenant()

    write_retention(NOW)

    (row,) = read(bolt, AnalyticsAggregate)
    assert (row.dau, row.recorded_days) == (None, 0)


def test_sources_have_thirty_days_each_and_a_blank_one_is_direct():
    imported(core())

    write_sources(NOW)
    write_sources(NOW)

    rows = read(core(), ReferralRetention)
    assert len(rows) == 60
    assert {row.source for row in rows} == {"direct", "search"}
    newest = {row.source: row for row in rows if row.day == date(2025, 11, 15)}
    assert (newest["search"].dau, newest["search"].mau, newest["search"].paid) == (1, 15, 1)
    assert newest["search"].revenue_cents == 5000
    with tenant_transaction(core()):
        funnel = {one.source: one for one in read_funnel(NOW)}
        weeks = read_cohorts(NOW)
    assert (funnel["search"].visits, funnel["search"].signups, funnel["search"].conversion) == (15, 15, 100.0)
    assert funnel["direct"].arpu == Decimal("64.67")
    assert all(one.users == 7 and one.retained[0] == 1.0 for one in weeks[1:-1])


def test_the_weekly_job_writes_forecasts_from_imported_history_of_its_tenant_only():
    imported(core())
    bolt = make_tenant()

    told = write_insights(NOW)
    write_insights(NOW)

    (latest,) = read(core(), AiForecast)
    # 22 working days at 70 and 8 of a weekend at 50 follow.
    assert latest.low <= latest.predicted_revenue <= latest.high
    assert latest.predicted_revenue == pytest.approx(20 * 70 + 10 * 50, rel=0.05)
    assert 0 <= latest.churn_rate <= 100
    assert latest.data_points == 60
    measures = {row.measure: row for row in read(core(), SeriesForecast)}
    assert set(measures) == {"revenue", "sign_ups", "active_users", "churn"}
    assert len(measures["revenue"].path) == 30
    assert measures["active_users"].predicted is None
    assert "No forecast" in measures["active_users"].explanation
    assert read(bolt, AiForecast) == []
    assert "Risk score" in told


def test_costs_are_forecast_and_later_scored_against_what_came():
    for ago in range(40, 0, -1):
        day = TODAY - timedelta(days=ago)
        record_cost_entry(day=day, service="kv", amount=Decimal("7"), kind=CostKind.METERED, source="t")
    forecast_costs(NOW)
    for ahead in range(30):
        day = TODAY + timedelta(days=ahead)
        record_cost_entry(day=day, service="kv", amount=Decimal("8"), kind=CostKind.METERED, source="t")

    too_early = forecast_costs(NOW + timedelta(days=29))
    told = forecast_costs(NOW + timedelta(days=30))

    first = read(core(), SeriesForecast, measure=Measure.COST.value, starts_on=TODAY)[0]
    assert first.predicted == pytest.approx(210)
    assert (first.actual, first.within) == (240.0, False)
    assert "0 earlier forecasts scored" in too_early
    assert "1 earlier forecasts scored" in told
