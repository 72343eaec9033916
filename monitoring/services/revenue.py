"""Closes days: revenue and fees from the payment processor beside what was spent."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum

from monitoring.clients import stripe
from monitoring.domain.costs import CostKind
from monitoring.domain.revenue import Revenue, add_up
from monitoring.domain.windows import Window
from monitoring.models import CostEntry, KeyValue, RevenueDay
from monitoring.services.cost_entries import Spent, record_costs
from monitoring.services.costs import accrue_fixed_costs

SOURCE = "stripe"
_OPENAI = "openai"
_MONTH = 30
NOT_KNOWN = ""


@dataclass(frozen=True, slots=True)
class ClosedDay:
    """A day that is over. `revenue` is None when the processor is not set up."""

    day: date
    revenue: Revenue | None
    # Everything that was spent, the processor's fees too; None without an entry.
    spent: Decimal | None

    @property
    def net_margin(self) -> Decimal | None:
        """Revenue less refunds, disputes and all costs; None unless both sides are known."""
        if self.revenue is None or self.spent is None:
            return None
        return self.revenue.revenue - self.revenue.refunded - self.revenue.disputed - self.spent


def close_day(day: date, *, now: datetime) -> ClosedDay:
    """This will write the fixed costs up to today, and what Stripe reports of the UTC day. Idempotent.

    Stripe is asked outside any transaction.

    Raises:
        UnableToReadCharges: when Stripe is set up and does not answer; the fixed costs are written then too.
    """
    accrue_fixed_costs(now=now)
    revenue = None
    if stripe.is_configured():
        window = Window.utc_day(day)
        revenue = add_up(stripe.read_charges(window.start, window.end))
        _write(day, revenue, now)
    with transaction.atomic():
        spent = CostEntry.objects.filter(day=day).aggregate(total=Sum("amount"))["total"]
    return ClosedDay(day, revenue, spent)


@transaction.atomic
def _write(day: date, revenue: Revenue, now: datetime) -> None:
    RevenueDay.objects.update_or_create(
        day=day, defaults={**asdict(revenue), "source": SOURCE, "read_at": now}
    )
    note = f"{revenue.paid_charges} paid charges"
    # By the published rate, not by the bill.
    record_costs([Spent(day, SOURCE, revenue.fees, CostKind.ESTIMATED, note)], source=SOURCE)


@transaction.atomic
def sync_key_values(*, now: datetime) -> dict[str, str]:
    """This will write the sums of the last 30 days that are over, as other programs read them.

    A figure of which nothing is known is empty, not 0. Three queries and one statement.
    """
    today = now.astimezone(UTC).date()
    days = (today - timedelta(days=_MONTH), today - timedelta(days=1))
    entries = CostEntry.objects.filter(day__range=days)
    openai = entries.filter(service=_OPENAI).aggregate(total=Sum("amount"))["total"]
    infra = entries.exclude(service__in=(_OPENAI, SOURCE)).aggregate(total=Sum("amount"))["total"]
    revenue = RevenueDay.objects.filter(day__range=days).aggregate(total=Sum("revenue"))["total"]
    figures = {
        "openai_cost_30d": _text(openai),
        "infra_cost_30d": _text(infra),
        "stripe_revenue_30d": _text(revenue),
    }
    KeyValue.objects.bulk_create(
        [KeyValue(key=key, value=value, updated_at=now) for key, value in figures.items()],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["value", "updated_at"],
    )
    return figures


def _text(amount: Decimal | None) -> str:
    return NOT_KNOWN if amount is None else f"{amount:.2f}"
