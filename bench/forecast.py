"""The forecasts on real series of four suites, against the scorer that lies beside the repository.

`python -m bench.forecast` runs the scorer when it is there. Goals: geometric-mean OWA at most 0.83, coverage
of the 95 % interval 0.93 to 0.97, less than 10 ms per daily series.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from intelligence.domain import forecasting

SCORER = Path(__file__).resolve().parents[2] / "shared" / "bench" / "forecast" / "run_forecast.py"
# Hours repeat by day and week, weeks by year.
_CALENDAR = {"H": (24, 168), "W": (52,)}


def forecast(
    values: Sequence[float], m: int, h: int, start: str | None, freq: str
) -> tuple[list[float], list[float], list[float]]:
    """Return mean, low and high of the next `h` values, as the scorer asks; `start` is not needed."""
    found = forecasting.forecast(values, h, seasons=_seasons(m, freq))
    return list(found.mean), list(found.low), list(found.high)


def _seasons(m: int, freq: str) -> tuple[int, ...]:
    """The cycles to look for: the one given, and those of the calendar; a test decides which there are."""
    return tuple(dict.fromkeys((m, *_CALENDAR.get(freq, ()))))


def main() -> int:
    """Run the scorer and show what it prints."""
    if not SCORER.exists():
        print(f"skipped: the scorer is not at ../{SCORER.relative_to(SCORER.parents[3])}")
        return 0
    root = Path(__file__).resolve().parents[1]
    command = [sys.executable, str(SCORER), "--callable", "bench.forecast:forecast"]
    return subprocess.run(command, cwd=root, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
