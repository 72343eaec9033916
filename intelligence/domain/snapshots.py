"""A detector's memory as bytes, so that it can go on in another process exactly where it stopped.

A snapshot need not be fresh: feed the detector what came after its `last_at`. Eight bytes a number: a month
of 15-minute points is about 160 kB, so taking one every few hours and feeding the rest is cheaper than every
time.
"""

from __future__ import annotations

import json
from typing import Final

import numpy as np

from intelligence.domain.detectors import Detector, Episode
from intelligence.domain.novelty import Feature
from intelligence.domain.series import Direction

_FORMAT: Final = 1
_FEATURES: Final = ("level", "seasonal", "activity")


class UnableToRestore(ValueError):
    """Bytes that are no snapshot of this version; feed the detector from the rollups instead."""


def pack(detector: Detector) -> bytes:
    """The detector as bytes: a line of JSON, then 64-bit little-endian numbers."""
    columns = [np.asarray(detector.times), np.asarray(detector.values)]
    for name in _FEATURES:
        feature: Feature = getattr(detector, name)
        columns += [np.asarray(part.in_order_of_arrival()) for part in (feature.seen, feature.novelties)]
    episode = detector.episode
    head = {
        "format": _FORMAT,
        "watched": detector.watched.value,
        "history": detector.history,
        "points": detector.points,
        "differences": list(detector.differences),
        "changes": list(detector.changes),
        "episode": [episode.until_point, repr(episode.until_time), episode.peak],
        "lengths": [len(column) for column in columns],
    }
    numbers = np.concatenate(columns).astype("<f8").tobytes()
    return json.dumps(head).encode() + b"\n" + numbers


def unpack(packed: bytes) -> Detector:
    """The detector that `pack` was given.

    Raises:
        UnableToRestore: when the bytes are none, cut short, or of another version.
    """
    first, _, rest = packed.partition(b"\n")
    try:
        head = json.loads(first)
        if head["format"] != _FORMAT:
            raise UnableToRestore(f"This snapshot has format {head['format']}, and {_FORMAT} is read.")
        columns = _columns(rest, head["lengths"])
        detector = Detector(Direction(head["watched"]), history=head["history"])
        until_point, until_time, peak = head["episode"]
        detector.points = head["points"]
        detector.episode = Episode(until_point, float(until_time), peak)
        detector.differences.extend(head["differences"])
        detector.changes.extend(head["changes"])
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, UnableToRestore):
            raise
        raise UnableToRestore(f"These bytes are no snapshot of a detector: {error}.") from error
    detector.times.extend(columns[0])
    detector.values.extend(columns[1])
    for place, name in enumerate(_FEATURES):
        seen, novelties = columns[2 + 2 * place : 4 + 2 * place]
        setattr(detector, name, Feature(detector.history, seen, novelties))
    return detector


def _columns(numbers: bytes, lengths: list[int]) -> list[list[float]]:
    if len(numbers) != 8 * sum(lengths) or len(lengths) != 2 + 2 * len(_FEATURES):
        raise UnableToRestore(
            f"This snapshot holds {len(numbers)} bytes of numbers, not what its head announces."
        )
    parts = np.split(np.frombuffer(numbers, dtype="<f8"), np.cumsum(lengths)[:-1])
    return [part.tolist() for part in parts]
