"""Latency histograms: the bucket function, merging, quantiles, and the packed form."""

import random
import zlib
from math import ceil, floor, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.histogram import (
    BUCKETS,
    FASTEST_MS,
    OVERFLOW,
    SLOWEST_MS,
    UNDERFLOW,
    Histogram,
    bucket_of,
    middle_of,
)

latencies = st.floats(0.1, 120_000)
samples = st.lists(latencies, max_size=80)
histograms = st.lists(st.floats(0, 200_000), max_size=30).map(Histogram.from_latencies)


def nearest_rank(values, share):
    return sorted(values)[ceil(share * len(values)) - 1]


@pytest.mark.parametrize(
    ("latency_ms", "bucket"),
    [
        (0, UNDERFLOW),
        (0.0999, UNDERFLOW),
        (0.1, 0),
        (0.10099, 0),
        (0.10101, 1),
        (1, 231),
        (200, 763),
        (119_999, 1406),
        (120_000, 1406),
        (SLOWEST_MS * 1.001, OVERFLOW),
        (1e9, OVERFLOW),
    ],
)
def test_bucket_of_known_latencies(latency_ms, bucket):
    assert bucket_of(latency_ms) == bucket


@given(latencies)
def test_bucket_of_is_the_documented_formula(latency_ms):
    assert bucket_of(latency_ms) == floor(log(latency_ms / 0.1) / log(1.01))


@given(latencies)
def test_middle_of_a_bucket_is_within_half_a_percent_of_all_in_it(latency_ms):
    assert middle_of(bucket_of(latency_ms)) == pytest.approx(latency_ms, rel=0.005)


@pytest.mark.parametrize("latency_ms", [-1, float("nan"), float("inf")])
def test_bucket_of_refuses_what_was_never_measured(latency_ms):
    with pytest.raises(ValueError, match="cannot be"):
        bucket_of(latency_ms)


@given(samples.filter(bool), st.sampled_from([0.01, 0.5, 0.9, 0.95, 0.99, 1.0]))
def test_quantile_is_within_one_percent_of_the_nearest_rank(values, share):
    assert Histogram.from_latencies(values).quantile(share) == pytest.approx(
        nearest_rank(values, share), rel=0.01
    )


@pytest.mark.parametrize(
    ("count", "share", "rank"), [(100, 0.07, 7), (100, 0.99, 99), (10, 0.95, 10), (1, 0.5, 1), (20, 0.95, 19)]
)
def test_quantile_takes_the_rank_without_binary_dust(count, share, rank):
    histogram = Histogram.from_latencies(range(1, count + 1))

    assert histogram.quantile(share) == pytest.approx(rank, rel=0.01)


def test_quantile_outside_the_range_is_the_limit():
    histogram = Histogram.from_latencies([0, 0.01, 500_000])

    assert (histogram.quantile(0.5), histogram.quantile(1)) == (FASTEST_MS, SLOWEST_MS)


@pytest.mark.parametrize("share", [0, -0.1, 1.1, 99])
def test_quantile_refuses_impossible_shares(share):
    with pytest.raises(ValueError, match="no quantile"):
        Histogram().quantile(share)


def test_nothing_counted_is_no_data():
    empty = Histogram()

    assert (empty.count, empty.mean_ms, empty.quantile(0.5)) == (0, None, None)


@given(samples)
def test_count_sum_and_mean_are_those_of_the_latencies(values):
    histogram = Histogram.from_latencies(values)

    assert histogram.count == len(values)
    assert histogram.sum_ms == pytest.approx(sum(values), abs=0.001 * (len(values) + 1))
    if values:
        assert histogram.mean_ms == pytest.approx(sum(values) / len(values), abs=0.002)


@given(histograms, histograms, histograms)
def test_merging_is_associative_and_commutative_with_nothing_as_its_neutral(a, b, c):
    assert a.merge(b).merge(c) == a.merge(b.merge(c)) == c.merge(a, b)
    assert a.merge(b) == b.merge(a)
    assert a.merge(Histogram()) == a == Histogram().merge(a)


@given(samples, samples)
def test_merged_parts_equal_the_whole(first, second):
    parts = Histogram.from_latencies(first).merge(Histogram.from_latencies(second))

    assert parts == Histogram.from_latencies(first + second)


@given(histograms, st.floats(0, 200_000))
def test_add_counts_one_more(histogram, latency_ms):
    grown = histogram.add(latency_ms)

    assert grown == histogram.merge(Histogram.from_latencies([latency_ms]))
    assert grown.count == histogram.count + 1


@given(histograms)
def test_from_counts_takes_the_rows_that_sql_counted(histogram):
    counts = dict(histogram.counts)

    assert Histogram.from_counts({**counts, 700: counts.get(700, 0)}, histogram.total_us) == histogram


@given(samples.filter(bool))
def test_from_counts_estimates_the_sum_that_it_is_not_given(values):
    known = Histogram.from_latencies(values)

    assert Histogram.from_counts(dict(known.counts)).mean_ms == pytest.approx(known.mean_ms, rel=0.02)


@given(histograms)
def test_packed_histogram_comes_back_whole(histogram):
    assert Histogram.from_bytes(histogram.to_bytes()) == histogram
    assert Histogram.from_bytes(memoryview(histogram.to_bytes())) == histogram


def test_packed_week_of_a_platform_stays_below_two_kilobytes():
    chance = random.Random(7)
    counts: dict[int, int] = {}
    for _ in range(200_000):
        bucket = bucket_of(chance.lognormvariate(3.5, 0.8) + 5)
        counts[bucket] = counts.get(bucket, 0) + 1

    assert len(Histogram.from_counts(counts).to_bytes()) < 2048
    assert len(Histogram.from_counts(dict.fromkeys(range(BUCKETS), 1_000_000)).to_bytes()) < 2048


@pytest.mark.parametrize(
    ("packed", "complaint"),
    [
        (b"", "not of none"),
        (b"\x02" + Histogram().to_bytes()[1:], "not of 02"),
        (Histogram().to_bytes()[:-3], "damaged"),
        (b"\x01junk", "damaged"),
        (b"\x01" + zlib.compress(b""), "damaged .it ends"),
        (b"\x01" + zlib.compress(b"\x05\x81"), "damaged .it ends"),
        (b"\x01" + zlib.compress(b"\x05\x01"), "damaged .zip"),
        (b"\x01" + zlib.compress(b"\x05\x01\x00"), "damaged .buckets must rise"),
    ],
)
def test_from_bytes_refuses_what_to_bytes_never_made(packed, complaint):
    with pytest.raises(ValueError, match=complaint):
        Histogram.from_bytes(packed)


@pytest.mark.parametrize(
    ("counts", "total_us", "complaint"),
    [
        (((5, 1), (4, 1)), 0, "buckets must rise"),
        (((5, 0),), 0, "buckets must rise"),
        (((5, -1),), 0, "buckets must rise"),
        (((-2, 1),), 0, "outside -1 to 1407"),
        (((1408, 1),), 0, "outside -1 to 1407"),
        (((5, 1),), -1, "below zero"),
    ],
)
def test_histogram_refuses_impossible_counts(counts, total_us, complaint):
    with pytest.raises(ValueError, match=complaint):
        Histogram(counts, total_us)
