"""Importing a week of history, 2 million rows, against a plain scan of the file; the two must agree.

    python -m bench.importing [--rows 2000000]

Prints the seconds of the scan and of the import, rows a second, and whether uptime, outages and errors are equal.
"""

from __future__ import annotations

import argparse
import csv
import random
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import throwaway

throwaway.start()

from monitoring.domain.outages import Observation, find_outages, observed_spans  # noqa: E402  (after the set-up)
from monitoring.domain.uptime import EndpointRecord, measure  # noqa: E402
from monitoring.domain.windows import Window  # noqa: E402
from monitoring.services.endpoints import Watch, watch_endpoint  # noqa: E402
from monitoring.services.history_files import read_history  # noqa: E402
from monitoring.services.imports import import_history  # noqa: E402
from monitoring.services.rollups import count_observations  # noqa: E402
from monitoring.services.uptime import endpoint_records  # noqa: E402
from tenancy.context import control_transaction  # noqa: E402
from tenancy.services.members import default_tenant  # noqa: E402

ENDPOINTS, WEEK = 10, timedelta(days=7)


def write_file(path: Path, rows: int, start: datetime) -> int:
    """A week of rows for ten endpoints: outages, blips, gaps. Returns the interval in seconds."""
    chance = random.Random(7)
    step = WEEK.total_seconds() * ENDPOINTS / rows
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["ts", "endpoint", "ok", "status_code", "latency_ms"])
        down_until = [0] * ENDPOINTS
        gone_until = [0] * ENDPOINTS
        for turn in range(rows // ENDPOINTS):
            for n in range(ENDPOINTS):
                if chance.random() < 2e-5:
                    down_until[n] = turn + chance.randrange(1, 200)
                if chance.random() < 5e-6:
                    gone_until[n] = turn + chance.randrange(1, 500)
                if turn < gone_until[n]:
                    continue
                ok = turn >= down_until[n]
                at = start + timedelta(seconds=turn * step, milliseconds=n)
                writer.writerow(
                    [at.isoformat(), f"import {n}", ok, 200 if ok else 503, round(chance.uniform(5, 300), 1)]
                )
    return max(5, round(step))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=2_000_000)
    options = parser.parse_args()
    now = datetime.now(UTC).replace(microsecond=0)
    window = Window(now - WEEK, now)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "week.csv"
        interval = write_file(path, options.rows, window.start)
        made = {
            f"import {n}": watch_endpoint(
                Watch(url=f"https://example.com/{n}", name=f"import {n}", interval_s=interval, critical=True),
                tenant=default_tenant(),
                now=now,
            )
            for n in range(ENDPOINTS)
        }
        began = time.perf_counter()
        done = import_history(read_history(path), tenant=default_tenant(), now=now)
        imported_s = time.perf_counter() - began
        began = time.perf_counter()
        again = import_history(read_history(path), tenant=default_tenant(), now=now)
        again_s = time.perf_counter() - began
        began = time.perf_counter()
        seen: dict[str, list[Observation]] = {name: [] for name in made}
        bad = 0
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                at = datetime.fromisoformat(row["ts"])
                ok = row["ok"] == "True"
                bad += not ok
                ended = at + timedelta(milliseconds=float(row["latency_ms"]))
                seen[row["endpoint"]].append(Observation(at, ended, ok))
        hold = timedelta(seconds=2.5 * interval)
        scanned = {
            name: EndpointRecord(name, observed_spans(o, hold=hold), find_outages(o, hold=hold))
            for name, o in seen.items()
        }
        scan_s = time.perf_counter() - began
    with control_transaction("bench"):
        stored = endpoint_records(made.values(), window)
        counts = count_observations(window, endpoint_ids=[e.pk for e in made.values()])
    outages = sum(len(record.outages) for record in scanned.values())
    same_outages = all(
        set(stored[endpoint.pk].outages) == set(scanned[name].outages) for name, endpoint in made.items()
    )
    same_uptime = measure(window, list(stored.values()), now) == measure(window, list(scanned.values()), now)
    same_errors = (sum(c.total for c in counts.values()), sum(c.bad for c in counts.values())) == (
        done.rows,
        bad,
    )
    print(f"{done.rows:,} rows, {outages} outages, {bad:,} failures")
    print(f"plain scan in Python {scan_s:6.1f} s")
    print(f"import               {imported_s:6.1f} s = {done.rows / imported_s:,.0f} rows/s")
    print(f"the same file again  {again_s:6.1f} s, {again.added} rows added")
    print(f"equal: outages {same_outages}, uptime {same_uptime}, total and errors {same_errors}")


if __name__ == "__main__":
    main()
