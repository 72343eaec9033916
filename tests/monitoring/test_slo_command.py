import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from monitoring.domain.observing import Source
from monitoring.models import Slo, SloEvaluation
from monitoring.services.recording import record_probes
from tests.factories import make_endpoint, make_result

pytestmark = pytest.mark.django_db


def run(*args):
    out = StringIO()
    call_command("slo", *args, stdout=out)
    return out.getvalue()


@pytest.fixture
def shop():
    """An endpoint that was good for an hour but for its last ten minutes."""
    now = timezone.now()
    endpoint = make_endpoint("shop", critical=True, now=now)
    times = [now - timedelta(seconds=30 * step) for step in range(1, 150)]
    results = [make_result(endpoint, at, ok=now - at > timedelta(minutes=10)) for at in times]
    record_probes([(endpoint, result) for result in results], source=Source.MONITOR)
    return endpoint


def test_slo_without_data_says_so():
    lines = run().splitlines()

    assert [line.split()[:3] for line in lines] == [
        [name, "no", "data"] for name in ("availability", "error-rate", "latency")
    ]
    assert "budget left –; burn –; observed 0.00 %" in lines[0]


def test_slo_shows_what_is_left_and_how_fast_it_burns(shop):
    (line, *_) = run().splitlines()

    assert line.startswith("availability")
    assert "exhausted" in line or "at risk" in line or "healthy" in line
    assert "of 10 min 5 s" in line
    assert "x (limit 13.44)" in line


def test_slo_as_data(shop):
    found = {row["name"]: row for row in json.loads(run("--format", "json"))}

    errors = found["error-rate"]
    assert errors["value"] == pytest.approx(1 - 20 / 149, abs=0.02)
    assert errors["remaining_s"] == pytest.approx(errors["budget_s"] - errors["consumed_s"])
    assert errors["burn"]["too_fast"] is True
    assert errors["burn_rates"]["300s"] == pytest.approx(200)
    assert found["latency"]["threshold_ms"] == 200


def test_slo_check_fails_when_one_is_not_well(shop):
    with pytest.raises(CommandError, match="Not well: availability, error-rate"):
        run("--check")


def test_slo_evaluate_stores():
    run("--evaluate")

    assert SloEvaluation.objects.count() == 3


def test_slo_without_any_says_how_to_get_one():
    Slo.objects.all().delete()

    assert "openslo import" in run()
