"""Storing probes: batches with rollups, outages and spans, against one big COPY of the same rows into a bare table.

    python -m bench.storing [--endpoints 1000] [--batches 20]

Prints rows a second of both, their ratio (goal 0.35), and what 1,000 checks cost from results to a readable verdict.
"""

from __future__ import annotations

import argparse
import io
import time
from datetime import UTC, datetime, timedelta

from bench import throwaway

throwaway.start()

from django.db import connection, connections, transaction  # noqa: E402  (after the set-up)

from monitoring.clients.probe import ProbeResult  # noqa: E402
from monitoring.domain.observing import Source  # noqa: E402
from monitoring.domain.verdict_text import render_table  # noqa: E402
from monitoring.models import Endpoint, EndpointState  # noqa: E402
from monitoring.services.judging import ensure_policy, judge  # noqa: E402
from monitoring.services.recording import record_probes  # noqa: E402
from tenancy.services.members import default_tenant  # noqa: E402

START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
STEP = timedelta(seconds=30)


def endpoints(number: int) -> list[Endpoint]:
    """So many endpoints that are due."""
    tenant = default_tenant()
    made = Endpoint.objects.bulk_create(
        [
            Endpoint(tenant=tenant, name=f"bench {n}", url=f"https://example.com/{n}", critical=n < 10)
            for n in range(number)
        ]
    )
    EndpointState.objects.bulk_create([EndpointState(endpoint=e, next_due_at=START) for e in made])
    return made


def batch(watched: list[Endpoint], turn: int) -> list[tuple[Endpoint, ProbeResult]]:
    """One result of each; one in a hundred fails."""
    rows = []
    for n, endpoint in enumerate(watched):
        at = START + STEP * turn + timedelta(microseconds=37 * n)
        ok = bool((n + turn) % 100)
        rows.append(
            (
                endpoint,
                ProbeResult(
                    key=endpoint.pk,
                    started_at=at,
                    ended_at=at + timedelta(milliseconds=20),
                    status=200 if ok else 500,
                    ok=ok,
                    latency_ms=20 + n * 0.01,
                    error_class="" if ok else "bad_status",
                    error="" if ok else "status 500 instead of 200",
                    failed_assertion="",
                    certificate_expires_at=None,
                    ip="192.0.2.1",
                ),
            )
        )
    return rows


def copy_rate(rows: list[tuple[Endpoint, ProbeResult]]) -> float:
    """Rows a second of one COPY into a table without index, trigger, policy or partition."""
    text = io.StringIO()
    for endpoint, r in rows:
        text.write(
            f"{endpoint.tenant_id},{endpoint.pk},monitor,{r.started_at},{r.ended_at},{r.status},{r.ok},"
            f"{r.latency_ms},{r.error_class},{r.error},{r.failed_assertion}\n"
        )
    text.seek(0)
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "CREATE TABLE bench_bare AS SELECT tenant_id, endpoint_id, source, ts, ended_at, status_code, ok,"
            " latency_ms, error_class, error, failed_assertion FROM system_health_log WITH NO DATA"
        )
        began = time.perf_counter()
        cursor.copy_expert("COPY bench_bare FROM STDIN WITH (FORMAT csv)", text)
        took = time.perf_counter() - began
        cursor.execute("DROP TABLE bench_bare")
    return len(rows) / took


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--endpoints", type=int, default=1000)
    parser.add_argument("--batches", type=int, default=20)
    options = parser.parse_args()
    watched = endpoints(options.endpoints)
    with transaction.atomic():
        ensure_policy(actor="bench")
    work = [batch(watched, turn) for turn in range(options.batches + 1)]
    record_probes(work[0], source=Source.MONITOR)

    began = time.perf_counter()
    for rows in work[1:]:
        record_probes(rows, source=Source.MONITOR)
    ours = options.endpoints * options.batches / (time.perf_counter() - began)
    bare = copy_rate([row for rows in work for row in rows])

    began = time.perf_counter()
    record_probes(batch(watched, options.batches + 1), source=Source.MONITOR)
    stored = time.perf_counter() - began
    text = render_table(judge(now=datetime.now(UTC)))
    judged = time.perf_counter() - began - stored
    assert text
    connection.close()
    print(f"stored with rollups, outages and spans  {ours:10,.0f} rows/s")
    print(f"one big COPY into a bare table          {bare:10,.0f} rows/s")
    print(f"ratio                                   {ours / bare:10.3f}  (goal 0.35)")
    print(
        f"{options.endpoints} results to a readable verdict     {1000 * (stored + judged):10.0f} ms"
        f"  ({1000 * stored:.0f} storing, {1000 * judged:.0f} judging)"
    )


if __name__ == "__main__":
    main()
