"""Latencies as a histogram of 1 % logarithmic buckets: small, mergeable, with quantiles true to 1 %.

Layout 1. Bucket b (0 … 1406) holds the latencies from 0.1 ms × 1.01^b (inside) to 0.1 ms × 1.01^(b+1)
(outside), so 0.1 ms to 120.27 s. Bucket -1 holds what is faster, bucket 1407 what is slower. `BUCKET_SQL`
computes the same bucket in PostgreSQL, in the same IEEE double steps; `Histogram.from_counts` takes the rows
so counted.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from itertools import accumulate, pairwise
from math import isfinite, log
from typing import Self

LAYOUT = 1
FASTEST_MS = 0.1
GROWTH = 1.01
BUCKETS = 1407
UNDERFLOW = -1
OVERFLOW = BUCKETS
SLOWEST_MS = FASTEST_MS * GROWTH**BUCKETS
LOG_GROWTH = log(GROWTH)

BUCKET_SQL = (
    "CASE WHEN {ms}::float8 < 0.1::float8 THEN -1"
    " ELSE LEAST(floor(ln({ms}::float8 / 0.1::float8) / ln(1.01::float8)), 1407)::int END"
)
"""The bucket of a latency in SQL; `{ms}` stands for a column of milliseconds, 0 or more and not null."""

MIDDLES_MS = tuple(FASTEST_MS * GROWTH ** (bucket + 0.5) for bucket in range(BUCKETS))


def bucket_of(latency_ms: float) -> int:
    """Return the bucket of a latency: floor(ln(latency_ms / 0.1) / ln(1.01)), kept within -1 to 1407."""
    if latency_ms < FASTEST_MS:
        if latency_ms < 0:
            raise ValueError(f"a latency of {latency_ms} ms cannot be; measure it with a monotonic clock")
        return UNDERFLOW
    if not isfinite(latency_ms):
        raise ValueError(f"a latency of {latency_ms} ms cannot be counted; leave out what was not measured")
    return min(int(log(latency_ms / FASTEST_MS) / LOG_GROWTH), OVERFLOW)


def middle_of(bucket: int) -> float:
    """Return the latency in milliseconds that stands for all in `bucket`, at most 0.5 % off.

    The two open buckets are stood for by their known edge.
    """
    if bucket == UNDERFLOW:
        return FASTEST_MS
    return SLOWEST_MS if bucket == OVERFLOW else MIDDLES_MS[bucket]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts by bucket (sorted pairs, no zeros) and the sum of the latencies in whole microseconds.

    The sum is an integer so that merging gives the same result in any order.
    """

    counts: tuple[tuple[int, int], ...] = ()
    total_us: int = 0

    def __post_init__(self) -> None:
        rising = all(first[0] < second[0] for first, second in pairwise(self.counts))
        if not rising or any(count <= 0 for _, count in self.counts):
            raise ValueError("buckets must rise and counts be above zero; build histograms with from_counts")
        if self.counts and not UNDERFLOW <= self.counts[0][0] <= self.counts[-1][0] <= OVERFLOW:
            raise ValueError(f"a bucket lies outside {UNDERFLOW} to {OVERFLOW}; is it of another layout?")
        if self.total_us < 0:
            raise ValueError(f"the sum of latencies is {self.total_us} µs; it cannot be below zero")

    @classmethod
    def from_latencies(cls, latencies_ms: Iterable[float]) -> Self:
        """Return the histogram of latencies in milliseconds."""
        counts: Counter[int] = Counter()
        total_us = 0
        for latency_ms in latencies_ms:
            counts[bucket_of(latency_ms)] += 1
            total_us += round(latency_ms * 1000)
        return cls(tuple(sorted(counts.items())), total_us)

    @classmethod
    def from_counts(cls, counts: Mapping[int, int], total_us: int | None = None) -> Self:
        """Return the histogram of counts by bucket, as SQL gives them; zero counts are allowed.

        Without the sum of the latencies in microseconds it is estimated from the buckets, true to 0.5 %.
        """
        pairs = tuple(sorted((bucket, count) for bucket, count in counts.items() if count))
        histogram = cls(pairs, total_us or 0)
        if total_us is None:
            total_us = round(sum(middle_of(bucket) * count for bucket, count in pairs) * 1000)
            return cls(pairs, total_us)
        return histogram

    @property
    def count(self) -> int:
        """How many latencies were counted."""
        return sum(count for _, count in self.counts)

    @property
    def sum_ms(self) -> float:
        """The sum of all latencies in milliseconds."""
        return self.total_us / 1000

    @property
    def mean_ms(self) -> float | None:
        """The mean latency in milliseconds, None where there is none."""
        return self.sum_ms / self.count if self.counts else None

    def add(self, latency_ms: float) -> Self:
        """Return the histogram with one more latency in milliseconds; for many, merge `from_latencies`."""
        return self.merge(type(self).from_latencies((latency_ms,)))

    def merge(self, *others: Histogram) -> Self:
        """Return the histogram of everything counted in this and `others`; the order does not matter."""
        counts = Counter(dict(self.counts))
        for other in others:
            for bucket, count in other.counts:
                counts[bucket] += count
        return type(self)(
            tuple(sorted(counts.items())), self.total_us + sum(other.total_us for other in others)
        )

    def quantile(self, share: float) -> float | None:
        """Return the nearest-rank quantile in milliseconds (0.99 for p99), None of nothing.

        It is within 1 % of the exact one, save below 0.1 ms and above 120 s, where it is that limit.
        """
        if not 0.0 < share <= 1.0:
            raise ValueError(f"there is no quantile {share}; give a share above 0 and up to 1, such as 0.99")
        if not self.counts:
            return None
        cumulated = list(accumulate(count for _, count in self.counts))
        rank = int((Decimal(repr(float(share))) * cumulated[-1]).to_integral_value(rounding=ROUND_CEILING))
        return middle_of(self.counts[bisect_left(cumulated, rank)][0])

    def to_bytes(self) -> bytes:
        """Return the layout number and the packed counts: some hundred bytes for an hour, 1 kB for a week."""
        numbers = [self.total_us]
        last = UNDERFLOW
        for bucket, count in self.counts:
            numbers += (bucket - last, count)
            last = bucket
        return bytes((LAYOUT,)) + zlib.compress(b"".join(map(_varint, numbers)), 9)

    @classmethod
    def from_bytes(cls, packed: bytes | memoryview) -> Self:
        """Return the histogram that `to_bytes` packed; raise ValueError for anything else."""
        packed = bytes(packed)
        if packed[:1] != bytes((LAYOUT,)):
            raise ValueError(f"this reads histograms of layout {LAYOUT}, not of {packed[:1].hex() or 'none'}")
        try:
            total_us, *rest = _varints(zlib.decompress(packed[1:]))
            buckets = list(accumulate(rest[::2], initial=UNDERFLOW))[1:]
            return cls(tuple(zip(buckets, rest[1::2], strict=True)), total_us)
        except (zlib.error, ValueError) as error:
            raise ValueError(f"a histogram is damaged ({error}); rebuild it from the log") from error


def _varint(number: int) -> bytes:
    """Pack a number of zero or more, seven bits a byte, low bits first (LEB128)."""
    packed = bytearray()
    while number > 0x7F:
        packed.append(number & 0x7F | 0x80)
        number >>= 7
    packed.append(number)
    return bytes(packed)


def _varints(packed: bytes) -> list[int]:
    numbers, number, shift = [], 0, 0
    for byte in packed:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(number)
            number = shift = 0
    if shift or not numbers:
        raise ValueError("it ends inside a number")
    return numbers
