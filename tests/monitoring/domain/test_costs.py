"""Daily totals, averages, run-rate, spikes and fees."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.costs import (
    CostDay,
    CostEntry,
    CostKind,
    FeeRule,
    SpikeRule,
    UnableToCount,
    average_per_day,
    daily_total,
    daily_totals,
    find_spike,
    processing_fee,
    processing_fees,
    run_rate,
)

TODAY = date(2025, 11, 14)
YESTERDAY = date(2025, 11, 13)
NOON = datetime(2025, 11, 14, 12, tzinfo=UTC)


def entry(amount: str, kind: CostKind = CostKind.FIXED, day: date = TODAY) -> CostEntry:
    return CostEntry(day=day, service="autoscale", amount=Decimal(amount), kind=kind)


def known(*totals: str | None, last: date = YESTERDAY) -> tuple[CostDay, ...]:
    """Completed days ending at `last`, the newest first."""
    return tuple(
        CostDay(last - timedelta(days=back), completed=True, total=total if total is None else Decimal(total))
        for back, total in enumerate(totals)
    )


SEEDED = (entry("5.00"), entry("2.00"))


def test_fixed_items_of_the_seed_make_seven_dollars() -> None:
    assert daily_total(SEEDED, TODAY, NOON) == CostDay(TODAY, completed=False, total=Decimal("7.00"))


def test_day_without_entries_is_unknown_not_zero() -> None:
    assert daily_total(SEEDED, YESTERDAY, NOON) == CostDay(YESTERDAY, completed=True, total=None)


def test_entry_of_zero_is_known() -> None:
    assert daily_total([entry("0")], TODAY, NOON).total == 0


def test_cents_are_added_exactly() -> None:
    assert daily_total([entry("0.1"), entry("0.2")], TODAY, NOON).total == Decimal("0.3")


@pytest.mark.parametrize(
    ("kinds", "marked"),
    [
        ([CostKind.ESTIMATED], True),
        ([CostKind.ESTIMATED, CostKind.ESTIMATED], True),
        ([CostKind.ESTIMATED, CostKind.FIXED], False),
        ([CostKind.METERED], False),
        ([], False),
    ],
)
def test_all_estimated_day_is_marked(kinds: list[CostKind], marked: bool) -> None:
    entries = [entry("1", kind) for kind in kinds]

    assert daily_total(entries, TODAY, NOON).all_estimated is marked


def test_day_is_completed_by_utc() -> None:
    tokyo = datetime(2025, 11, 15, 8, 59, tzinfo=timezone(timedelta(hours=9)))

    assert not daily_total(SEEDED, TODAY, tokyo).completed
    assert daily_total(SEEDED, TODAY, tokyo + timedelta(minutes=1)).completed


def test_totals_cover_every_day_from_first_to_last() -> None:
    days = daily_totals(iter(SEEDED), YESTERDAY, TODAY + timedelta(days=1), NOON)

    assert [(day.day.day, day.total) for day in days] == [(13, None), (14, Decimal(7)), (15, None)]
    assert daily_totals(SEEDED, TODAY, YESTERDAY, NOON) == ()


def test_average_is_over_known_days_and_counts_the_unknown() -> None:
    today = CostDay(TODAY, completed=False, total=Decimal(100))

    average = average_per_day([*known("7", None, "8", None), today])

    assert (average.mean, average.known_days, average.unknown_days) == (Decimal("7.5"), 2, 2)


def test_average_over_nothing_is_unknown() -> None:
    assert average_per_day(known(None)).mean is None


def test_run_rate_counts_fixed_items_whole_and_extrapolates_the_rest() -> None:
    entries = [*SEEDED, entry("1.00", CostKind.METERED), entry("0.50", CostKind.ESTIMATED)]

    rate = run_rate([*entries, entry("99", day=YESTERDAY)], NOON)

    assert rate is not None
    assert (rate.total, rate.so_far, rate.elapsed) == (Decimal(10), Decimal("8.5"), Decimal("0.5"))


@pytest.mark.parametrize("moment", [NOON.replace(hour=0), NOON, NOON.replace(hour=23, minute=59)])
def test_run_rate_of_the_seed_is_seven_dollars_at_any_time(moment: datetime) -> None:
    rate = run_rate(SEEDED, moment)

    assert rate is not None
    assert rate.total == 7


@pytest.mark.parametrize(
    ("minute", "total"), [(0, Decimal(24)), (1, Decimal(24)), (60, Decimal(24)), (120, Decimal(12))]
)
def test_run_rate_of_the_first_hour_takes_what_is_there_for_an_hour(minute: int, total: Decimal) -> None:
    now = NOON.replace(hour=0) + timedelta(minutes=minute)

    rate = run_rate([entry("1", CostKind.METERED)], now)

    assert rate is not None
    assert rate.total == pytest.approx(total)


def test_run_rate_without_entries_today_is_unknown() -> None:
    assert run_rate([entry("7", day=YESTERDAY)], NOON) is None


@pytest.mark.parametrize(
    ("total", "before", "above_limit", "above_median"),
    [
        ("7", ("7", "7", "7"), False, False),
        ("10.00", ("7", "7", "7"), False, False),
        ("10.01", ("7", "7", "7"), True, False),
        ("6.01", ("3", "3", "3"), False, True),
        ("6.00", ("3", "3", "3"), False, False),
        ("6.01", ("3", "3", None), False, None),
        ("6.01", ("3", "99", "3"), False, True),
        ("6.01", ("9", "9", "9", "9", "3", "3", "3", "3", "3", "3", "3", "3"), False, False),
        (None, ("7", "7", "7"), None, None),
    ],
)
def test_spike(total, before, above_limit, above_median) -> None:
    day = CostDay(TODAY, completed=True, total=total and Decimal(total))

    spike = find_spike(day, known(*before), SpikeRule(limit=Decimal(10)))

    assert (spike.above_limit, spike.above_median) == (above_limit, above_median)
    assert spike.found is bool(above_limit or above_median)


def test_spike_does_not_compare_a_day_with_itself_or_with_later_ones() -> None:
    day = CostDay(YESTERDAY, completed=True, total=Decimal(9))
    others = known("1", "1", "1", last=YESTERDAY + timedelta(days=2))

    assert find_spike(day, others, SpikeRule(limit=Decimal(10))).above_median is None


@pytest.mark.parametrize(
    ("charge", "fee"),
    [("10.00", "0.59"), ("100", "3.20"), ("0.01", "0.30"), ("29.50", "1.16"), ("1.90", "0.36")],
)
def test_fee_of_a_paid_charge(charge: str, fee: str) -> None:
    assert processing_fee(Decimal(charge)) == Decimal(fee)


def test_fees_are_rounded_charge_by_charge() -> None:
    charges = [Decimal("1.90")] * 3

    assert processing_fees(charges) == Decimal("1.08")
    assert processing_fees([]) == 0
    assert processing_fees(charges, FeeRule(share=Decimal(0), fixed=Decimal("0.1"))) == Decimal("0.3")


@pytest.mark.parametrize("charge", ["0", "-1", "NaN", "Infinity"])
def test_charge_that_was_not_paid_has_no_fee(charge: str) -> None:
    with pytest.raises(UnableToCount, match="A paid charge must be above 0"):
        processing_fee(Decimal(charge))


@pytest.mark.parametrize("amount", ["-0.01", "NaN", "sNaN", "Infinity"])
def test_entry_must_be_an_amount(amount: str) -> None:
    with pytest.raises(UnableToCount, match=r"The cost of autoscale on 2025-11-14 is .*it must be a number"):
        entry(amount)


def test_entry_must_be_in_dollars() -> None:
    with pytest.raises(UnableToCount, match="is in EUR; convert it to USD first"):
        replace(entry("1"), currency="EUR")


entries = st.lists(
    st.builds(
        CostEntry,
        day=st.sampled_from([TODAY, YESTERDAY]),
        service=st.just("api"),
        amount=st.decimals(0, 1000, places=4),
        kind=st.sampled_from(CostKind),
    ),
    max_size=8,
)


@given(found=entries, minute=st.integers(0, 1439), seed=st.randoms())
def test_run_rate_is_never_below_what_was_spent_and_ignores_order(found, minute, seed) -> None:
    now = NOON.replace(hour=0) + timedelta(minutes=minute)
    shuffled = list(found)
    seed.shuffle(shuffled)

    rate = run_rate(found, now)

    assert rate == run_rate(shuffled, now)
    total = daily_total(found, TODAY, now).total
    assert (rate is None) is (total is None)
    assert rate is None or (rate.so_far == total and rate.total >= rate.so_far)
