"""Failures, MTTR, MTBF and the longest outage."""

import pytest

from monitoring.domain.reliability import Reliability, reliability
from monitoring.domain.uptime import Band, EndpointRecord, measure
from tests.monitoring.domain.material import at, exact, outage, span

DAY = span(0, 1000)
SEEN = (span(-500, 1500),)


def record(*outages, excluded=(), since=None):
    return EndpointRecord("endpoint", SEEN, tuple(outages), tuple(excluded), since)


def of(*records, now=None):
    now = now or at(1200)
    return reliability(measure(DAY, records, now), records, now)


def band(number):
    return Band(number, number, number)


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        pytest.param([record()], Reliability(0, None, None, None), id="no failure has no mean"),
        pytest.param(
            [record(exact(100, 200), exact(500, 800))],
            Reliability(2, band(200), band(300), band(300)),
            id="two failures",
        ),
        pytest.param(
            [record(exact(100, 200)), record(exact(150, 300))],
            Reliability(1, band(200), band(800), band(200)),
            id="overlapping outages are one failure",
        ),
        pytest.param(
            [record(exact(100, 200)), record(exact(200, 300))],
            Reliability(2, band(100), band(400), band(100)),
            id="touching outages are two",
        ),
        pytest.param(
            [record(exact(-100, 100))],
            Reliability(0, band(200), None, band(200)),
            id="begun before, ended inside, counted whole",
        ),
        pytest.param(
            [record(exact(900, 1100))],
            Reliability(1, None, band(900), band(200)),
            id="begun inside, ended after",
        ),
        pytest.param(
            [record(outage(800, 800, 900, None))],
            Reliability(1, None, Band(800, 800, 900), Band(100, 400, 400)),
            id="open",
        ),
        pytest.param(
            [record(outage(800, 800, 900, None)), record(exact(850, 860))],
            Reliability(1, None, Band(800, 800, 900), Band(100, 400, 400)),
            id="joined to an open one, open",
        ),
        pytest.param(
            [record(outage(100, 130, 130, 160, confirmed=False))],
            Reliability(0, None, None, None),
            id="a blip is no failure",
        ),
        pytest.param(
            [record(exact(100, 200), excluded=[span(50, 250)])],
            Reliability(0, None, None, None),
            id="maintenance is no failure",
        ),
        pytest.param(
            [record(exact(100, 200), excluded=[span(150, 250)])],
            Reliability(1, band(50), band(850), band(50)),
            id="half in maintenance",
        ),
        pytest.param(
            [record(exact(100, 200), exact(500, 600), since=at(400))],
            Reliability(1, band(100), band(500), band(100)),
            id="before the endpoint counted",
        ),
        pytest.param(
            [record(exact(1100, 1150), exact(-100, -50))],
            Reliability(0, None, None, None),
            id="outside the window",
        ),
    ],
)
def test_reliability_counts_failures_of_the_platform(records, expected):
    assert of(*records) == expected


def test_reliability_keeps_the_bounds_of_the_edges():
    found = of(record(outage(90, 110, 290, 310)))

    assert found.mttr_s == found.longest_s == Band(180, 200, 220)
    assert found.mtbf_s == Band(780, 800, 820)


def test_open_outage_is_not_repaired_by_the_passing_of_time():
    found = of(record(outage(800, 800, 900, None)), now=at(950))

    assert (found.failures, found.mttr_s) == (1, None)
    assert found.longest_s == Band(100, 150, 150)


def test_repair_is_not_counted_before_it_is_known():
    assert of(record(exact(100, 300)), now=at(200)).mttr_s is None
