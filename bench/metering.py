"""What counting costs a call to the intelligence API: the middleware around an empty view, against without it.

python -m bench.metering [--calls 100000]
"""

from __future__ import annotations

import argparse
import os
from statistics import median
from time import perf_counter_ns

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "levqor.settings")
os.environ.setdefault("LEVQOR_PROBE_KEY", "a-probe-key-of-usual-length-0123456789abcdef")
os.environ.setdefault("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")

import django

django.setup()

from django.http import HttpResponse  # noqa: E402
from django.test import RequestFactory  # noqa: E402

from monitoring.middleware import MeteringMiddleware  # noqa: E402


def main() -> None:
    """Print the cost of one call in microseconds: mean, median, p99."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000)
    calls = parser.parse_args().calls
    answer = HttpResponse("{}")

    def bare(request: object) -> HttpResponse:
        return answer

    metered = MeteringMiddleware(bare)
    request = RequestFactory().get(
        "/api/intelligence/status", headers={"Authorization": "Bearer " + "x" * 64}
    )
    took = {}
    for name, view in (("warm up", metered), ("bare", bare), ("metered", metered)):
        times = []
        for _ in range(calls):
            began = perf_counter_ns()
            view(request)
            times.append(perf_counter_ns() - began)
        took[name] = sorted(times)
    for name in ("bare", "metered"):
        times = took[name]
        p99 = times[int(0.99 * len(times))]
        mean = sum(times) / len(times)
        print(
            f"{name:8} mean {mean / 1e3:6.2f} µs   median {median(times) / 1e3:6.2f} µs   p99 {p99 / 1e3:6.2f} µs"
        )
    added = (sum(took["metered"]) - sum(took["bare"])) / calls / 1e3
    print(f"added by metering: {added:.2f} µs a call (limit 50)")


if __name__ == "__main__":
    main()
