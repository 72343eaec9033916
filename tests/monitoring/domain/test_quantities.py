from decimal import Decimal

import pytest

from monitoring.domain.quantities import duration_ms, format_duration, format_milliseconds, number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0), ("-12", -12), ("+3", 3), ("1.25", Decimal("1.25")), ("1.5e3", 1500), ("0x1F", 31),
        ("-0x10", -16), ("0o17", 15), ("0b101", 5), ("010", None), ("1_000", None), ("", None), ("1.", None),
        ("٣", None), ("inf", None), ("NaN", None), ("0x", None), ("1e99999", None), ("9" * 401, None),
    ],
)  # fmt: skip
def test_number(text, value):
    assert number(text) == value


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1s", 1000), ("1.5s", 1500), ("250ms", 250), ("1h30m", 5_400_000), ("14d", 1_209_600_000),
        ("-1m", -60_000), ("5us", Decimal("0.005")), ("5µs", Decimal("0.005")), ("10", None), ("s", None),
        ("1 s", None), ("1w", None),
    ],
)  # fmt: skip
def test_duration_ms(text, milliseconds):
    assert duration_ms(text) == milliseconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (86_400, "24h"), (5_400, "1h30m"), (3_601, "1h0m1s"), (61, "1m1s"), (60, "1m"), (5, "5s"), (0, "0s"),
        (-7_200, "-2h"), (0.4, "0s"), (-0.4, "0s"), (59.99, "59s"),
    ],
)  # fmt: skip
def test_format_duration(seconds, text):
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"), [(499, "499"), (0.0, "0"), (12.3456, "12.346"), (1e6, "1000000")]
)
def test_format_milliseconds(milliseconds, text):
    assert format_milliseconds(milliseconds) == text
