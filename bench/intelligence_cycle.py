"""The whole intelligence cycle over many endpoints: the first, which learns a day, and those that follow.

python -m bench.intelligence_cycle [--endpoints 200] [--days 1]
"""

from __future__ import annotations

import argparse
import time
from datetime import timedelta

from bench import throwaway

throwaway.start()

from django.db import connection  # noqa: E402  (after the set-up)
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.utils import timezone  # noqa: E402

from intelligence.services.cycle import run_cycle  # noqa: E402
from monitoring.models import Endpoint  # noqa: E402
from tenancy.context import control_transaction  # noqa: E402
from tenancy.services.members import default_tenant  # noqa: E402

ROLLED = """
    INSERT INTO health_minutes
        (tenant_id, endpoint_key, source, at, total, bad, server_errors, latency_sum_ms, latency_count)
    SELECT e.tenant_id, e.id, 'monitor', m, 2, 0, 0, 40 + 10 * sin(extract(epoch FROM m) / 86400 * 6.28) + random(), 2
    FROM endpoints e, generate_series(date_trunc('minute', %s::timestamptz), %s, interval '1 minute') m
"""
HOURS = """
    INSERT INTO health_hours
        (tenant_id, endpoint_key, source, at, total, bad, server_errors, latency_sum_ms, latency_count)
    SELECT tenant_id, endpoint_key, source, date_trunc('hour', at), sum(total), 0, 0, sum(latency_sum_ms), sum(total)
    FROM health_minutes GROUP BY 1, 2, 3, 4
"""


def fill(endpoints: int, days: float) -> None:
    """Endpoints, and what the rollups would hold of probes every 30 seconds."""
    tenant, now = default_tenant(), timezone.now()
    Endpoint.objects.bulk_create(
        Endpoint(tenant=tenant, name=f"bench {n}", url=f"https://example.com/{n}", component=f"c{n % 20}")
        for n in range(endpoints)
    )
    with control_transaction("bench"), connection.cursor() as cursor:
        cursor.execute(ROLLED, [now - timedelta(days=days), now + timedelta(hours=6)])
        cursor.execute(HOURS)


def main() -> None:
    """Print how long each cycle took, and its queries."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoints", type=int, default=200)
    parser.add_argument("--days", type=float, default=1)
    asked = parser.parse_args()
    fill(asked.endpoints, asked.days)
    now = timezone.now()
    number = settled = 0
    # Until all is learned, and three more.
    while settled < 3 and number < 20:
        began = time.perf_counter()
        report = run_cycle(now + timedelta(minutes=15 * number))
        print(f"cycle {number}: {time.perf_counter() - began:6.2f} s  {report.summary}", flush=True)
        settled += not report.waiting
        number += 1
    with CaptureQueriesContext(connection) as queries:
        run_cycle(now + timedelta(minutes=15 * number))
    print(f"{len(queries)} statements in a cycle over {asked.endpoints} endpoints")


if __name__ == "__main__":
    main()
