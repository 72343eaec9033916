"""A month of the cost ledger, day by day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from monitoring.domain.costs import (
    CostDay,
    DailyAverage,
    RunRate,
    SpikeRule,
    average_per_day,
    daily_totals,
    find_spike,
    run_rate,
)
from monitoring.services.costs import entries_between

UNKNOWN = "unknown"
# The limit of the seeded alert rule daily_cost.
_SPIKE = SpikeRule(limit=Decimal(10))


@dataclass(frozen=True, slots=True)
class MonthDay:
    """One day: what each service cost (None = no entry), the total, and whether it stands out."""

    cost: CostDay
    by_service: tuple[Decimal | None, ...]
    spike: bool


@dataclass(frozen=True, slots=True)
class CostMonth:
    """The days of a month up to today, newest last."""

    first: date
    services: tuple[str, ...]
    days: tuple[MonthDay, ...]
    total: Decimal
    average: DailyAverage
    today: RunRate | None

    @property
    def before(self) -> str:
        return f"{self.first - timedelta(days=1):%Y-%m}"

    @property
    def after(self) -> str:
        return f"{self.first + timedelta(days=31):%Y-%m}"

    @property
    def header(self) -> tuple[str, ...]:
        return ("day", *self.services, "total")

    @property
    def cells(self) -> list[tuple[object, ...]]:
        """The days as a spreadsheet shows them; a day without entries says that it is unknown."""
        return [
            (
                day.cost.day.isoformat(),
                *("" if amount is None else float(amount) for amount in day.by_service),
                UNKNOWN if day.cost.total is None else float(day.cost.total),
            )
            for day in self.days
        ]


def read_month(first: date, *, now: datetime) -> CostMonth:
    """The month that begins at `first`, up to today. One query."""
    today = now.astimezone(UTC).date()
    last = min((first + timedelta(days=31)).replace(day=1) - timedelta(days=1), max(today, first))
    entries = entries_between(first - timedelta(days=_SPIKE.days), last)
    totals = daily_totals(entries, first - timedelta(days=_SPIKE.days), last, now)
    shown = [entry for entry in entries if entry.day >= first]
    services = tuple(sorted({entry.service for entry in shown}))
    amounts: dict[tuple[date, str], Decimal] = {}
    for entry in shown:
        place = (entry.day, entry.service)
        amounts[place] = amounts.get(place, Decimal(0)) + entry.amount
    days = tuple(
        MonthDay(
            cost=day,
            by_service=tuple(amounts.get((day.day, service)) for service in services),
            spike=find_spike(day, totals[:n], _SPIKE).found,
        )
        for n, day in enumerate(totals)
        if day.day >= first
    )
    of_today = [entry for entry in shown if entry.day == today]
    return CostMonth(
        first=first,
        services=services,
        days=days,
        total=sum((entry.amount for entry in shown), Decimal(0)),
        average=average_per_day(day.cost for day in days),
        today=run_rate(of_today, now) if of_today else None,
    )
