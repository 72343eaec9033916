import json
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intelligence.domain.arguments import (
    MAX_METADATA_BYTES,
    accept_latency,
    accept_mapping,
    accept_number,
    accept_percent,
    accept_text,
    accept_whole,
)

NAN, INFINITE = float("nan"), float("inf")


@pytest.mark.parametrize("value", [NAN, INFINITE, -INFINITE, 10**400, True, None, "3", Decimal(3), 1j, []])
def test_accept_number_refuses_what_is_no_finite_number(value):
    with pytest.raises(ValueError, match=r"^value must be a"):
        accept_number(value, "value")


@pytest.mark.parametrize(("value", "number"), [(3, 3.0), (-2.5, -2.5), (Fraction(1, 2), 0.5)])
def test_accept_number_takes_numbers(value, number):
    assert accept_number(value, "value") == number


def test_accept_latency_takes_zero_and_not_measured_but_nothing_negative():
    assert accept_latency(0) == 0
    assert accept_latency(None) is None
    with pytest.raises(ValueError, match="latency_ms must be 0 or more"):
        accept_latency(-0.001)


@pytest.mark.parametrize("value", [-0.1, 100.1, NAN])
def test_accept_percent_refuses_what_is_outside_0_to_100(value):
    with pytest.raises(ValueError, match="churn"):
        accept_percent(value, "churn")


@pytest.mark.parametrize("value", [0, 201, -1, 1.0, True, "5", None])
def test_accept_whole_refuses_what_is_no_whole_number_in_range(value):
    with pytest.raises(ValueError, match="limit must be a whole number from 1 to 200"):
        accept_whole(value, "limit", 1, 200)


@pytest.mark.parametrize("value", ["", "a\0b", "\ud800", "x" * 11, None, 5])
def test_accept_text_refuses_what_cannot_be_stored(value):
    with pytest.raises(ValueError, match=r"^name "):
        accept_text(value, "name", 10)


@pytest.mark.parametrize(
    "value",
    [
        [],
        "text",
        {"a": NAN},
        {"a": {1, 2}},
        {"a": "\0"},
        {"a": "\ud800"},
        {"a": "x" * MAX_METADATA_BYTES},
        None,
    ],
)
def test_accept_mapping_refuses_what_is_no_storable_json(value):
    with pytest.raises(ValueError, match=r"^metadata "):
        accept_mapping(value, "metadata")


def test_accept_mapping_refuses_what_is_nested_beyond_measure():
    nested: dict[str, object] = {}
    for _ in range(100_000):
        nested = {"a": nested}

    with pytest.raises(ValueError, match=r"^metadata is not JSON"):
        accept_mapping(nested, "metadata")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text("xyz", min_size=1, max_size=4), JSON, max_size=4))
def test_accept_mapping_gives_back_what_it_was_given(value):
    assert accept_mapping(value, "metadata") == json.loads(json.dumps(value))
