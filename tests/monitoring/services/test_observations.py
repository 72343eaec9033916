from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from monitoring.models import Endpoint, HealthLog
from monitoring.services.observations import ObservationQuery, newest_observations
from tenancy.context import tenant_transaction
from tests.cast import make_cast

pytestmark = pytest.mark.django_db

NOON = datetime(2025, 11, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def endpoint(tenant, name, component):
    return Endpoint.objects.create(
        tenant=tenant, name=f"{tenant.ext_id} {name}", component=component, url="https://example.com/"
    )


def store(tenant, moments, endpoint_id=None):
    """Rows at these moments, through the trigger that rolls them up."""
    with tenant_transaction(tenant), connection.cursor() as cursor:
        days = [moment.date() for moment in moments]
        cursor.execute("SELECT ensure_health_partitions(%s, %s)", [min(days), max(days)])
        HealthLog.objects.bulk_create(
            HealthLog(source="monitor", ts=ts, ok=True, status_code=200, endpoint_id=endpoint_id)
            for ts in moments
        )


def paged(tenant, **query):
    """All pages of a list, as ids."""
    found, before = [], None
    while True:
        with tenant_transaction(tenant):
            rows = newest_observations(ObservationQuery(before=before, **query), tenant.pk)
        found += [row["id"] for row in rows]
        if len(rows) < query["limit"]:
            return found
        before = rows[-1]["ts"], rows[-1]["id"]


def scanned(tenant, **where):
    """The same by a scan of the log."""
    with tenant_transaction(tenant):
        rows = HealthLog.objects.filter(**where).order_by("-ts", "-id")
        return list(rows.values_list("id", flat=True))


def scattered(dice, count):
    """Moments of every density: a burst, an hour, a day, lone ones, and several at the very same instant."""
    spread = [1, 60, 3600, 86_400, 9 * 86_400]
    moments = [NOON - timedelta(seconds=dice.uniform(0, dice.choice(spread))) for _ in range(count)]
    return moments + dice.choices(moments, k=count // 5)


@pytest.mark.parametrize("seed", range(4))
def test_pages_hold_each_row_once_in_the_order_of_a_scan(seed):
    dice = Random(seed)
    cast = make_cast()
    api, web = endpoint(cast.tenant, "api", "backend"), endpoint(cast.tenant, "web", "frontend")
    store(cast.tenant, scattered(dice, 60), api.pk)
    store(cast.tenant, scattered(dice, 40), web.pk)
    store(cast.tenant, scattered(dice, 10))
    store(cast.other, scattered(dice, 60))
    start, end = NOON - dice.uniform(0.01, 9) * DAY, NOON - dice.uniform(0, 0.01) * DAY

    for limit in (1, 7, 200):
        assert paged(cast.tenant, limit=limit) == scanned(cast.tenant)
        assert paged(cast.tenant, limit=limit, start=start, end=end) == scanned(
            cast.tenant, ts__gte=start, ts__lt=end
        )
        assert paged(cast.tenant, limit=limit, component="backend", end=end) == scanned(
            cast.tenant, endpoint_id=api.pk, ts__lt=end
        )


def test_rows_carry_the_name_and_component_of_their_own_tenants_endpoint():
    cast = make_cast()
    own, foreign = endpoint(cast.tenant, "api", "backend"), endpoint(cast.other, "api", "theirs")
    store(cast.tenant, [NOON], own.pk)
    store(cast.tenant, [NOON - DAY], foreign.pk)

    with tenant_transaction(cast.tenant):
        first, second = newest_observations(ObservationQuery(10), cast.tenant.pk)

    assert (first["endpoint"], first["component"]) == (own.name, "backend")
    assert (second["endpoint"], second["component"]) == (None, None)


def test_an_unknown_component_has_no_rows():
    cast = make_cast()
    store(cast.tenant, [NOON])

    assert paged(cast.tenant, limit=5, component="nothing") == []


@pytest.mark.parametrize(("component", "queries"), [("", 3), ("backend", 4)])
def test_the_number_of_queries_does_not_depend_on_the_rows(component, queries):
    cast = make_cast()
    api = endpoint(cast.tenant, "api", "backend")

    def count():
        with tenant_transaction(cast.tenant), CaptureQueriesContext(connection) as captured:
            newest_observations(ObservationQuery(50, component=component), cast.tenant.pk)
        return len([q for q in captured if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))])

    store(cast.tenant, [NOON], api.pk)
    few = count()
    store(cast.tenant, [NOON - n * timedelta(hours=5) for n in range(300)], api.pk)

    assert (few, count()) == (queries, queries)
