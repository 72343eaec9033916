"""What a day costs: totals, averages, today's run-rate, spikes and the payment processor's fees.

Money is `Decimal` in US dollars and a day is a UTC day. A day without entries is unknown, which is not the
same as free.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from statistics import median


class CostKind(StrEnum):
    """How an amount is known: read from a bill or meter, worked out, or the same every day."""

    METERED = "metered"
    ESTIMATED = "estimated"
    FIXED = "fixed"


class UnableToCount(ValueError):
    """An amount that cannot be added up; the message says which and why."""


@dataclass(frozen=True, slots=True)
class CostEntry:
    """One amount that one service cost on one UTC day."""

    day: date
    service: str
    amount: Decimal
    kind: CostKind
    currency: str = "USD"

    def __post_init__(self) -> None:
        if not self.amount.is_finite() or self.amount < 0:
            raise UnableToCount(
                f"The cost of {self.service} on {self.day} is {self.amount}; it must be a number, at least 0."
            )
        if self.currency != "USD":
            raise UnableToCount(
                f"The cost of {self.service} on {self.day} is in {self.currency}; convert it to USD first."
            )


@dataclass(frozen=True, slots=True)
class CostDay:
    """One UTC day; `total` is None without an entry, `all_estimated` when no entry was metered or fixed."""

    day: date
    completed: bool
    total: Decimal | None
    all_estimated: bool = False


@dataclass(frozen=True, slots=True)
class DailyAverage:
    """The mean over the known days, with how many were known; None when none was."""

    mean: Decimal | None
    known_days: int
    unknown_days: int


@dataclass(frozen=True, slots=True)
class RunRate:
    """What today will have cost at midnight if it goes on as so far; `elapsed` is the share of it gone by."""

    total: Decimal
    so_far: Decimal
    elapsed: Decimal


@dataclass(frozen=True, slots=True)
class SpikeRule:
    """A spike is above `limit`, or above `factor` times the median of at least `least_days` days before."""

    limit: Decimal
    factor: Decimal = Decimal(2)
    days: int = 7
    least_days: int = 3


@dataclass(frozen=True, slots=True)
class Spike:
    """Whether a day stands out, against what. None means that it could not be told."""

    above_limit: bool | None
    above_median: bool | None
    median: Decimal | None

    @property
    def found(self) -> bool:
        """True when the day is above the limit or stands out from the days before it."""
        return bool(self.above_limit) or bool(self.above_median)


@dataclass(frozen=True, slots=True)
class FeeRule:
    """What a payment processor keeps of each paid charge: a share and a fixed amount."""

    share: Decimal = Decimal("0.029")
    fixed: Decimal = Decimal("0.30")


# In the first hour the little that has been metered is taken for one hour's worth: a single entry at 00:01
# says nothing about the other 1,439 minutes.
_LEAST_ELAPSED = Decimal(1) / Decimal(24)
_CENT = Decimal("0.01")


def daily_total(entries: Iterable[CostEntry], day: date, now: datetime) -> CostDay:
    """The total of one UTC day from its entries; entries of other days are left aside."""
    of_day = [entry for entry in entries if entry.day == day]
    return CostDay(
        day=day,
        completed=day < now.astimezone(UTC).date(),
        total=sum((entry.amount for entry in of_day), Decimal(0)) if of_day else None,
        all_estimated=bool(of_day) and all(entry.kind is CostKind.ESTIMATED for entry in of_day),
    )


def daily_totals(entries: Iterable[CostEntry], first: date, last: date, now: datetime) -> tuple[CostDay, ...]:
    """One `CostDay` for each UTC day from `first` to `last`, both included, the unknown ones too."""
    kept = tuple(entries)
    days = (last - first).days + 1
    return tuple(daily_total(kept, first + timedelta(days=step), now) for step in range(days))


def average_per_day(days: Iterable[CostDay]) -> DailyAverage:
    """The mean over the completed days that are known; unknown ones are counted beside it, never as zero."""
    completed = [day for day in days if day.completed]
    known = [day.total for day in completed if day.total is not None]
    return DailyAverage(
        mean=sum(known, Decimal(0)) / len(known) if known else None,
        known_days=len(known),
        unknown_days=len(completed) - len(known),
    )


def run_rate(entries: Iterable[CostEntry], now: datetime) -> RunRate | None:
    """Today's cost at midnight if it goes on as so far; None when today has no entry.

    Fixed items are the whole day's amount from the first minute, so they count once and in full. Metered and
    estimated ones grow during the day, so they are divided by the share of the day that has gone by (at least
    one hour).
    """
    at = now.astimezone(UTC)
    today = [entry for entry in entries if entry.day == at.date()]
    if not today:
        return None
    midnight = datetime.combine(at.date(), time(), tzinfo=UTC)
    elapsed = Decimal((at - midnight) // timedelta(microseconds=1)) / Decimal(86_400_000_000)
    fixed = sum((entry.amount for entry in today if entry.kind is CostKind.FIXED), Decimal(0))
    growing = sum((entry.amount for entry in today if entry.kind is not CostKind.FIXED), Decimal(0))
    return RunRate(
        total=fixed + growing / max(elapsed, _LEAST_ELAPSED), so_far=fixed + growing, elapsed=elapsed
    )


def find_spike(day: CostDay, before: Sequence[CostDay], rule: SpikeRule) -> Spike:
    """Compare `day` with the limit and with the median of the known days among the `rule.days` before it.

    The median, unlike the mean, is not dragged along by an earlier spike.
    """
    first = day.day - timedelta(days=rule.days)
    known = [other.total for other in before if first <= other.day < day.day and other.total is not None]
    usual = median(known) if len(known) >= rule.least_days else None
    if day.total is None:
        return Spike(above_limit=None, above_median=None, median=usual)
    return Spike(
        above_limit=day.total > rule.limit,
        above_median=None if usual is None else day.total > rule.factor * usual,
        median=usual,
    )


def processing_fee(charge: Decimal, rule: FeeRule | None = None) -> Decimal:
    """What the processor keeps of one paid charge, to the cent: 2.9 % + $0.30 unless `rule` differs."""
    if not charge.is_finite() or charge <= 0:
        raise UnableToCount(f"A paid charge must be above 0, not {charge}.")
    terms = rule or FeeRule()
    return (charge * terms.share + terms.fixed).quantize(_CENT, rounding=ROUND_HALF_UP)


def processing_fees(charges: Iterable[Decimal], rule: FeeRule | None = None) -> Decimal:
    """The fees of all paid charges together; each is rounded by itself, as the processor bills it."""
    return sum((processing_fee(charge, rule) for charge in charges), Decimal(0))
