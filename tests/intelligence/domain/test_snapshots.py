"""A detector goes on from its snapshot exactly where it stopped."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intelligence.domain.detectors import Detector
from intelligence.domain.series import Direction
from intelligence.domain.snapshots import UnableToRestore, pack, unpack
from tests.intelligence.domain.test_detectors import daily, feed


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 400), st.sampled_from(Direction), st.integers(40, 300))
def test_restored_detector_continues_alike(count: int, watched: Direction, history: int) -> None:
    values = [*daily(count), *daily(60, seed=9), 500.0, 20.0]
    one = Detector(watched, history=history)
    feed(one, values[:count])

    other = unpack(pack(one))

    assert feed(other, values[count:], first=count) == feed(one, values[count:], first=count)
    assert pack(other) == pack(one)


def test_snapshot_keeps_the_cool_down() -> None:
    one = Detector()
    feed(one, [*daily(500), 300.0])

    other = unpack(pack(one))

    assert other.episode == one.episode
    assert not feed(other, [301.0], first=501)[0].is_alert


def altered(change: dict[str, object]) -> bytes:
    head, _, rest = pack(Detector()).partition(b"\n")
    return json.dumps({**json.loads(head), **change}).encode() + b"\n" + rest


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"nonsense",
        b"[]\n",
        b"{}\n",
        altered({"format": 99}),
        altered({"lengths": [1]}),
        altered({"lengths": [0]}),
    ],
)
def test_other_bytes_are_refused(packed: bytes) -> None:
    with pytest.raises(UnableToRestore, match="snapshot"):
        unpack(packed)


def test_cut_snapshot_is_refused() -> None:
    detector = Detector()
    feed(detector, daily(50))

    with pytest.raises(UnableToRestore, match="not what its head announces"):
        unpack(pack(detector)[:-3])
