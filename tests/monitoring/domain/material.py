"""Short ways to write moments, windows and probes in the tests of the domain, and where the vectors lie."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitoring.domain.outages import Observation, Outage
from monitoring.domain.windows import Window

VECTORS = Path(__file__).resolve().parents[4] / "shared" / "data" / "vectors"

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)


def vector_rows(file, case=None):
    """The rows of a vector file, as parameters; one skipped parameter where the folder is missing."""
    if not VECTORS.is_dir():
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"the vectors are not at {VECTORS}"))]
    cases = json.loads((VECTORS / file).read_text())["cases"]
    rows = cases[case] if case else cases
    return [pytest.param(row, id=row.get("name")) for row in rows]


def at(seconds):
    return BEGIN + timedelta(seconds=seconds)


def span(start, end):
    return Window(at(start), at(end))


def probe(second, ok, took=0):
    return Observation(at(second), at(second + took), ok)


def probes(states, step=30):
    """Instantaneous probes, one every `step` seconds: "++-+" is good, good, bad, good; a blank is none."""
    return [probe(step * place, state == "+") for place, state in enumerate(states) if state != " "]


def outage(*instants, confirmed=True, unseen=0):
    """An outage of four instants given in seconds, or None."""
    last_good, first_bad, last_bad, first_good = instants
    return Outage(
        last_good_at=None if last_good is None else at(last_good),
        first_bad_at=at(first_bad),
        last_bad_at=at(last_bad),
        first_good_at=None if first_good is None else at(first_good),
        confirmed=confirmed,
        unseen=timedelta(seconds=unseen),
    )


def exact(start, end):
    """An outage whose edges are known exactly."""
    return outage(start, start, end, end)
