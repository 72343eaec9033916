"""The anomaly detector on the Numenta Anomaly Benchmark, at the one fixed threshold that production uses.

`python -m bench.nab` drives `Detector` through the scorer that lies beside the repository, when it is there.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from intelligence.domain import detectors

SCORER = Path(__file__).resolve().parents[2] / "shared" / "bench" / "nab" / "run_nab.py"
_BELOW_ALERT = 0.499_999


class Detector:
    """The production detector as the benchmark drives it: one instance per series, no look-ahead."""

    def __init__(self) -> None:
        self._detector = detectors.Detector()

    def score(self, timestamp: str, value: float) -> float:
        """Return 0 to 1 for one point; 0.5 and above is an alert."""
        at = datetime.fromisoformat(timestamp)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        last = self._detector.last_at
        if last is not None and at <= last:  # clocks set back: the order of the lines is the order of time
            at = last + timedelta(seconds=1)
        reading = self._detector.judge(at, float(value))
        if reading.score is None:
            return 0.0
        score = reading.score / (reading.score + detectors.THRESHOLD)
        return score if reading.is_alert else min(score, _BELOW_ALERT)


def main() -> int:
    """Run the scorer and show what it prints."""
    if not SCORER.exists():
        print(f"skipped: the benchmark's scorer is not at ../{SCORER.relative_to(SCORER.parents[3])}")
        return 0
    root = Path(__file__).resolve().parents[1]
    command = [
        sys.executable,
        str(SCORER),
        "--callable",
        "bench.nab:Detector",
        "--fixed",
        "0.5",
        "--per-file",
    ]
    return subprocess.run(command, cwd=root, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
