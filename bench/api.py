"""The five intelligence endpoints under a growing log: p50 and p99 over real HTTP, one connection.

    python -m bench.api [--rows 1,100000,1000000] [--calls 300]

Uses servers of its own, or the database of DATABASE_URL if that is set: then name one that may be thrown away,
because it is filled with rows of a tenant of its own. The last column is the p99 against that of the smallest log.
"""

from __future__ import annotations

import argparse
import http.client
import os
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from uuid import uuid4

from bench import throwaway

throwaway.start()

from django.contrib.auth.models import User  # noqa: E402  (after the set-up)
from django.db import connection, connections  # noqa: E402

from tenancy.context import control_transaction  # noqa: E402
from tenancy.domain.modes import MemberRole  # noqa: E402
from tenancy.domain.tokens import TokenScope  # noqa: E402
from tenancy.models import Tenant  # noqa: E402
from tenancy.services.members import add_member, create_token  # noqa: E402

LISTS = ("status", "anomalies", "recommendations", "forecasts", "health")
# One observation a second, the newest now: a million of them are eleven and a half days.
LOG = """
    INSERT INTO system_health_log (tenant_id, source, ts, ok, status_code, latency_ms, error)
    SELECT %s, 'monitor', now() - n * interval '1 second', n %% 500 <> 0, 200, 20 + n %% 300, ''
    FROM generate_series(%s - 1, 0, -1) AS n
"""
EVENTS = """
    INSERT INTO intel_events (tenant_id, event, value, mean, ts, component, severity, details)
    SELECT %s, 'latency', n, 1, now() - n * interval '2 minutes', 'api', 'P3', '{}'
    FROM generate_series(%s - 1, 0, -1) AS n
"""
FORECASTS = """
    INSERT INTO ai_forecasts (tenant_id, predicted_revenue, churn_rate, horizon_days, ts, method)
    SELECT %s, n, 1, 30, now() - n * interval '1 hour', '' FROM generate_series(%s - 1, 0, -1) AS n
"""
RECOMMENDATIONS = """
    INSERT INTO intel_recommendations (tenant_id, type, priority, message, metric, evidence, state, ts)
    SELECT %s, 't', 'low', 'm', '', '{}', 'open', now() - n * interval '1 hour'
    FROM generate_series(%s - 1, 0, -1) AS n
"""


def fill(rows: int) -> str:
    """Rows of a new tenant; its token."""
    mark = uuid4().hex[:8]
    tenant = Tenant.objects.create(ext_id=f"BENCH-{mark}", name="bench")
    user = User.objects.create_user(f"bench-{mark}")
    add_member(tenant=tenant, user=user, role=MemberRole.OWNER, actor="bench")
    with control_transaction("bench"), connection.cursor() as cursor:
        cursor.execute(
            "SELECT ensure_health_partitions((now() - %s * interval '1 second')::date - 1, current_date + 1)",
            [rows],
        )
        for statement, count in (
            (LOG, rows),
            (EVENTS, max(1, rows // 10)),
            (FORECASTS, max(1, rows // 100)),
            (RECOMMENDATIONS, max(1, rows // 100)),
        ):
            cursor.execute(statement, [tenant.pk, count])
    # What autovacuum does within a minute or two: until then the index on time has yet to see the new rows.
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) system_health_log")
        cursor.execute("ANALYZE intel_events, intel_recommendations, ai_forecasts, health_hours")
    return create_token(user=user, name="bench", scope=TokenScope.READ, now=datetime.now(UTC), lifetime=None)


def serve() -> tuple[subprocess.Popen[bytes], int]:
    """The portal's own web server, one worker, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "--no-access-log"]
    server = subprocess.Popen(
        [*command, "levqor.wsgi:application"],
        env={**os.environ, "API_THROTTLE": "1000000/min"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server, port
        time.sleep(0.1)
    raise RuntimeError("The server did not come up within 20 s.")


def measure(port: int, token: str, path: str, calls: int) -> list[float]:
    """Milliseconds of each call, sorted."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    took = []
    for _ in range(calls + 10):
        began = time.perf_counter()
        client.request("GET", f"/api/intelligence/{path}", headers={"Authorization": f"Bearer {token}"})
        answer = client.getresponse()
        body = answer.read()
        took.append((time.perf_counter() - began) * 1000)
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:200]!r}")
    client.close()
    return sorted(took[10:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", default="1,100000,1000000", help="Sizes of the log, growing.")
    parser.add_argument("--calls", type=int, default=300)
    given = parser.parse_args()
    server, port = serve()
    first: dict[str, float] = {}
    try:
        print(f"{'rows':>9}  {'endpoint':<16}{'p50 ms':>8}{'p99 ms':>8}{'ratio':>7}")
        for rows in (int(text) for text in given.rows.split(",")):
            token = fill(rows)
            time.sleep(5)  # the server writes out what was loaded
            for path in LISTS:
                took = measure(port, token, path, given.calls)
                p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
                first.setdefault(path, p99)
                print(f"{rows:>9}  {path:<16}{p50:>8.2f}{p99:>8.2f}{p99 / first[path]:>7.2f}", flush=True)
    finally:
        server.terminate()
        server.wait(10)


if __name__ == "__main__":
    main()
