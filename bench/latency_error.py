"""How much the prober adds to what it measures: bursts of 500 probes against a server that takes 20 ms.

Prints p50, p99 and the worst of (measured − 20 ms). The server's own lateness is part of these figures and
printed beside them. Run: `python -m bench.latency_error`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from statistics import median
from time import perf_counter

from bench.loopback_server import serving
from monitoring.clients.probe import ProbeRequest, probe_batch
from monitoring.domain.assertions import parse_condition
from monitoring.domain.outbound import parse_policy

BURST = 500
BURSTS = 9
TRUE_MS = 20.0
GOAL_MS = 8.0
POLICY = parse_policy(["127.0.0.1"])
CONDITIONS = (parse_condition("[BODY].ok == true"),)


def burst_of_probes(url: str) -> list[float]:
    """Return the errors of one burst in ms, in order."""
    requests = [ProbeRequest(at, url, conditions=CONDITIONS) for at in range(BURST)]
    results = probe_batch(requests, policy=POLICY, max_concurrent=BURST)
    errors = [
        result.latency_ms - TRUE_MS for result in results if result.ok and result.latency_ms is not None
    ]
    if len(errors) != BURST:
        raise SystemExit(f"{BURST - len(errors)} of {BURST} probes failed")
    return sorted(errors)


def burst_of_requests(url: str, threads: int = 100) -> list[float]:
    """Return the errors of one burst made the usual way, with `requests` in threads, in order."""
    import requests

    def check(_: int) -> float:
        began = perf_counter()
        requests.get(url, timeout=10).raise_for_status()
        return (perf_counter() - began) * 1000 - TRUE_MS

    with ThreadPoolExecutor(threads) as pool:
        return sorted(pool.map(check, range(BURST)))


def p99(errors: list[float]) -> float:
    """Return the 99th percentile of an ordered list (nearest rank)."""
    return errors[-(-len(errors) * 99 // 100) - 1]


def main() -> None:
    """Run the bursts and print their errors."""
    with serving("late", str(TRUE_MS)) as server:
        burst_of_probes(server.url)  # opens the handles
        bursts = [burst_of_probes(server.url) for _ in range(BURSTS)]
    lateness = server.last_words.split()
    for errors in bursts:
        print(f"burst: p50 {median(errors):+6.2f}   p99 {p99(errors):+6.2f}   worst {errors[-1]:+6.2f} ms")
    middle = median(p99(errors) for errors in bursts)
    verdict = "met" if middle <= GOAL_MS else "MISSED"
    print(f"p99 error, median of {BURSTS} bursts: {middle:+.2f} ms   goal ≤ {GOAL_MS:g}: {verdict}")
    print(f"of it the server's own lateness: p50 {lateness[0]} ms, p99 {lateness[1]} ms")
    if find_spec("requests"):
        with serving("late", str(TRUE_MS)) as server:
            errors = burst_of_requests(server.url)
        print(f"requests+threads:  p50 {median(errors):+6.2f}   p99 {p99(errors):+6.2f} ms")
    else:
        print("requests+threads: not installed")


if __name__ == "__main__":
    main()
