"""Printed figures: never rounded in the reader's favour."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.figures import (
    counted,
    coverage_text,
    dollars,
    duration,
    floored,
    iso_z,
    percent_of,
    raised,
)


@pytest.mark.parametrize(
    ("number", "places", "low", "high"),
    [
        (99.979, 2, "99.97", "99.98"),
        (99.98, 2, "99.98", "99.98"),
        (99.9799999, 2, "99.97", "99.98"),
        (100.0, 3, "100.000", "100.000"),
        (0.501, 2, "0.50", "0.51"),
        (-0.1, 0, "-1", "-0"),
        (Decimal("7.001"), 2, "7.00", "7.01"),
        (1e300, 0, "1" + "0" * 300, "1" + "0" * 300),
    ],
)
def test_rounding(number: float, places: int, low: str, high: str) -> None:
    assert (floored(number, places), raised(number, places)) == (low, high)


@given(number=st.floats(0, 100), places=st.integers(0, 6))
def test_rounding_is_never_in_the_readers_favour(number: float, places: int) -> None:
    assert Decimal(floored(number, places)) <= Decimal(repr(number)) <= Decimal(raised(number, places))


def test_rounding_does_not_depend_on_the_callers_decimal_context() -> None:
    with localcontext(prec=2):
        assert (floored(99.979, 2), percent_of(0.99979)) == ("99.97", Decimal("99.979"))


def test_percent_has_no_binary_noise() -> None:
    assert float(percent_of(0.9998)) == 99.98
    assert float(percent_of(0.07)) == 7.0


def test_coverage_and_dollars() -> None:
    assert (coverage_text(0.99899), dollars(10.001)) == ("99.89 %", "$10.01")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.2, "1 s"),
        (59, "59 s"),
        (59.5, "1 min"),
        (723, "12 min 3 s"),
        (3600, "1 h"),
        (3725, "1 h 2 min"),
        (90_000, "1 d 1 h"),
        (float("nan"), "an unknown time"),
        (float("inf"), "an unknown time"),
        (-1, "an unknown time"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_iso_z_is_utc() -> None:
    tokyo = datetime(2025, 11, 15, 18, 0, tzinfo=timezone(timedelta(hours=9)))

    assert iso_z(tokyo) == "2025-11-15T09:00:00Z"


def test_counted() -> None:
    assert (counted(1, "day"), counted(0, "day"), counted(1200, "probe")) == (
        "1 day",
        "0 days",
        "1,200 probes",
    )
