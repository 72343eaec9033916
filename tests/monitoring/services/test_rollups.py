import random
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Count, Q

from monitoring.domain.histogram import bucket_of
from monitoring.domain.observing import Source
from monitoring.domain.rollups import Counts
from monitoring.domain.windows import Window
from monitoring.models import HealthLog
from monitoring.services.recording import record_probes
from monitoring.services.rollups import count_days, count_observations, latency_histogram
from tenancy.context import control_transaction
from tests.factories import NOON, make_endpoint, make_result

pytestmark = pytest.mark.django_db


def scanned(window):
    """The same counts, by a scan of the log."""
    rows = (
        HealthLog.objects.filter(ts__gte=window.start, ts__lt=window.end)
        .values("endpoint_id")
        .annotate(
            total=Count("id"),
            bad=Count("id", filter=Q(ok=False)),
            fives=Count("id", filter=Q(status_code__gte=500)),
        )
    )
    return {row["endpoint_id"]: (row["total"], row["bad"], row["fives"]) for row in rows}


def test_count_observations_equals_a_scan_of_the_log():
    dice = random.Random(7)
    endpoints = [make_endpoint() for _ in range(3)]
    probed = [
        (
            endpoint,
            make_result(
                endpoint, NOON + timedelta(seconds=dice.uniform(0, 3 * 86400)), ok=dice.random() > 0.1
            ),
        )
        for endpoint in endpoints
        for _ in range(200)
    ]
    record_probes(probed, source=Source.MONITOR)

    with control_transaction("test"):
        for _ in range(30):
            start = NOON + timedelta(seconds=dice.uniform(0, 3 * 86400))
            window = Window(start, start + timedelta(seconds=dice.choice([40, 500, 5000, 90_000])))
            counted = count_observations(window)
            assert {k: (c.total, c.bad, c.server_errors) for k, c in counted.items()} == scanned(window)


def test_count_observations_of_some_endpoints_leaves_the_others_out():
    kept, other = make_endpoint(), make_endpoint()
    record_probes([(e, make_result(e, NOON)) for e in (kept, other)], source=Source.MONITOR)

    with control_transaction("test"):
        counted = count_observations(
            Window.trailing(NOON + timedelta(hours=2), timedelta(days=1)), endpoint_ids=[kept.pk]
        )

    assert counted == {kept.pk: Counts(1, 0, 0, 20.0, 1)}


def test_count_days_counts_by_utc_day():
    endpoint = make_endpoint()
    times = [NOON, NOON + timedelta(hours=11, minutes=59), NOON + timedelta(hours=12)]
    record_probes([(endpoint, make_result(endpoint, at)) for at in times], source=Source.MONITOR)

    with control_transaction("test"):
        days = count_days(
            Window.trailing(NOON + timedelta(days=2), timedelta(days=4)), endpoint_ids=[endpoint.pk]
        )

    assert {day.isoformat(): counts.total for (_, day), counts in days.items()} == {
        "2025-11-15": 2,
        "2025-11-16": 1,
    }


def test_latency_histogram_leaves_out_what_did_not_answer():
    endpoint = make_endpoint()
    results = [
        make_result(endpoint, NOON, took_ms=20),
        make_result(endpoint, NOON + timedelta(seconds=30), took_ms=40),
        make_result(endpoint, NOON + timedelta(seconds=60), ok=False, status=0, took_ms=10_000),
    ]
    record_probes([(endpoint, result) for result in results], source=Source.MONITOR)

    with control_transaction("test"):
        histogram = latency_histogram(
            Window.trailing(NOON + timedelta(hours=1), timedelta(hours=2)), endpoint_ids=[endpoint.pk]
        )

    assert histogram.counts == ((bucket_of(20), 1), (bucket_of(40), 1))


def test_latency_bucket_in_sql_is_the_bucket_of_the_domain():
    values = [0, 0.05, 0.1, 0.1009, 0.101, 1, 19.99, 20, 200, 1000.5, 119_999, 130_000, 1e9]
    dice = random.Random(3)
    values += [dice.lognormvariate(4, 3) for _ in range(3000)]

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT latency_bucket(v) FROM unnest(%s::float8[]) WITH ORDINALITY AS t(v, n) ORDER BY n",
            [values],
        )
        found = [row[0] for row in cursor.fetchall()]

    assert found == [bucket_of(value) for value in values]
