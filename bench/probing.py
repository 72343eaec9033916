"""Checks per second and CPU per check of `probe_batch`, against wrk and against threads with `requests`.

Every check is a full one: a new connection, a header, the status, two conditions of which one reads the body.
wrk opens a new connection for each request too (`Connection: close`) and checks nothing. Rounds alternate, so
that both meet the same machine. Run: `python -m bench.probing`.
"""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from statistics import median
from time import perf_counter

from bench.loopback_server import serving
from monitoring.clients.probe import ProbeRequest, probe_batch
from monitoring.domain.assertions import parse_condition
from monitoring.domain.outbound import parse_policy

CHECKS = 10_000
ROUNDS = 3
GOAL = 0.40
POLICY = parse_policy(["127.0.0.1"])
CONDITIONS = (parse_condition("[BODY].ok == true"), parse_condition("[RESPONSE_TIME] < 5s"))


def cpu_seconds() -> float:
    """Return the CPU time of this process so far, user and system."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def round_of_probes(url: str) -> tuple[float, float]:
    """Return checks per second and CPU microseconds per check."""
    headers = (("X-Probe-Key", "not-a-secret"),)
    requests = [ProbeRequest(at, url, headers=headers, conditions=CONDITIONS) for at in range(CHECKS)]
    cpu, began = cpu_seconds(), perf_counter()
    results = probe_batch(requests, policy=POLICY)
    took, used = perf_counter() - began, cpu_seconds() - cpu
    failed = [result for result in results if not result.ok]
    if failed or len(results) != CHECKS:
        raise SystemExit(f"{len(failed)} of {len(results)} checks failed, first: {failed[:1]}")
    return CHECKS / took, used / CHECKS * 1e6


def round_of_wrk(url: str) -> float:
    """Return wrk's requests per second over one second, in one thread like the prober."""
    command = ["wrk", "-t1", "-c64", "-d1s", "-H", "Connection: close", url]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Requests/sec:\s*([0-9.]+)", output)
    if found is None:
        raise SystemExit(f"wrk said something unexpected:\n{output}")
    return float(found[1])


def round_of_requests(url: str, threads: int = 32, checks: int = 600) -> float:
    """Return checks per second of the usual way: a pool of threads calling `requests.get`."""
    import requests

    def check(_: int) -> bool:
        answer = requests.get(url, timeout=10)
        return answer.status_code == 200 and answer.json()["ok"] is True

    with ThreadPoolExecutor(threads) as pool:
        began = perf_counter()
        if not all(pool.map(check, range(checks))):
            raise SystemExit("a check with requests failed")
        return checks / (perf_counter() - began)


def main() -> None:
    """Run the rounds and print medians and ratios."""
    rates, costs, wrk = [], [], []
    has_wrk = shutil.which("wrk") is not None
    with serving("fast") as server:
        round_of_probes(server.url)  # opens the handles
        for _ in range(ROUNDS):
            rate, cost = round_of_probes(server.url)
            rates.append(rate)
            costs.append(cost)
            if has_wrk:
                wrk.append(round_of_wrk(server.url))
        threads = round_of_requests(server.url) if find_spec("requests") else None
    print(f"probe_batch       {median(rates):9,.0f} checks/s   {median(costs):6.1f} µs CPU per check")
    if wrk:
        ratio = median(rate / other for rate, other in zip(rates, wrk, strict=True))
        print(f"wrk               {median(wrk):9,.0f} requests/s")
        verdict = "met" if ratio >= GOAL else "MISSED"
        print(f"ratio to wrk      {ratio:9.2f}              goal ≥ {GOAL:.2f}: {verdict}")
    else:
        print("wrk               not installed, no ratio")
    if threads is None:
        print("requests+threads  not installed, no ratio")
    else:
        print(f"requests+threads  {threads:9,.0f} checks/s   ratio {median(rates) / threads:.1f}")
    if shutil.which("blackbox_exporter") is None:
        print("blackbox_exporter not installed, no ratio")


if __name__ == "__main__":
    main()
