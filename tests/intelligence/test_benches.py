"""The benchmarks in small: injected faults in our own series, and the shells that the scorers drive."""

import json
from pathlib import Path

import pytest

from bench import forecast as forecast_bench
from bench import nab
from bench.injected_faults import A_DAY, Fault, false_alerts, find

SHARED = Path(__file__).resolve().parents[3] / "shared"


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("seed", [0, 1])
def test_fault_is_found_within_two_samples(fault: Fault, seed: int) -> None:
    found = find(seed, fault, at=21 * A_DAY + 37 * seed + 50, days=23)

    assert found.delay is not None
    assert found.delay <= 2


def test_healthy_series_raise_at_most_one_alert_a_fortnight() -> None:
    counted = [false_alerts(seed, days=28) for seed in range(4)]

    assert sum(alerts for alerts, _ in counted) <= sum(fortnights for _, fortnights in counted)


def test_detector_shell_scores_between_0_and_1() -> None:
    detector = nab.Detector()

    quiet = [
        detector.score(f"2025-11-{1 + hour // 24:02} {hour % 24:02}:00:00", hour % 24) for hour in range(400)
    ]
    alert = detector.score("2025-11-17 16:00:00", 1e6)
    suppressed = detector.score("2025-11-17 17:00:00", 1e6)

    assert max(quiet) < 0.5
    assert 0.5 <= alert <= 1
    assert suppressed < 0.5


def test_detector_shell_bears_a_clock_set_back() -> None:
    detector = nab.Detector()

    scores = [detector.score("2025-10-26 01:00:00", 1.0), detector.score("2025-10-26 00:30:00", 2.0)]

    assert scores == [0.0, 0.0]


def test_forecast_shell_answers_as_the_scorer_asks() -> None:
    mean, low, high = forecast_bench.forecast([float(day % 7) for day in range(70)], 7, 14, "2025-01-01", "D")

    assert len(mean) == len(low) == len(high) == 14
    assert mean == pytest.approx([float(day % 7) for day in range(14)], abs=0.2)


@pytest.mark.skipif(
    not SHARED.exists(), reason="the benchmark data lies in ../shared/data, which is not here"
)
def test_known_anomaly_of_the_benchmark_is_found() -> None:
    """The flat middle and the jumps down of the artificial series, inside their labelled windows."""
    windows = json.loads((SHARED / "data/nab/combined_windows.json").read_text())
    for name in (
        "artificialWithAnomaly/art_daily_flatmiddle.csv",
        "artificialWithAnomaly/art_daily_jumpsdown.csv",
    ):
        detector = nab.Detector()
        rows = [line.split(",") for line in (SHARED / "data/nab" / name).read_text().splitlines()[1:]]

        alerts = [at for at, value in rows if detector.score(at, float(value)) >= 0.5]

        [(start, end)] = windows[name]
        assert any(start[:19] <= at <= end[:19] for at in alerts)


@pytest.mark.parametrize(("module", "word"), [(nab, "scorer"), (forecast_bench, "scorer")])
def test_without_the_scorer_the_bench_says_skipped(
    module: object,
    word: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(module, "SCORER", tmp_path / "a" / "b" / "c" / "none.py")

    assert module.main() == 0  # type: ignore[attr-defined]  # both modules have a main

    assert "skipped" in capsys.readouterr().out
