"""What a day brought in: charges, refunds, disputes, fees. Money is `Decimal` in US dollars."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from monitoring.domain.costs import processing_fee

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Charge:
    """One attempt to take money. `amount` is what was taken in full, before refunds; 0 when it failed."""

    id: str
    amount: Decimal
    refunded: Decimal
    currency: str
    paid: bool
    disputed: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Revenue:
    """A day's charges added up. Those in another currency are counted and not added."""

    revenue: Decimal
    refunded: Decimal
    # What customers' banks hold back, less what was refunded of it already.
    disputed: Decimal
    # The processor keeps its fee of a charge that is refunded.
    fees: Decimal
    paid_charges: int
    failed_charges: int
    foreign_charges: int

    @property
    def net(self) -> Decimal:
        """What is left of it, before any other cost."""
        return self.revenue - self.refunded - self.disputed - self.fees


def add_up(charges: Iterable[Charge]) -> Revenue:
    """The revenue of these charges; one that is listed twice counts once."""
    unique = {charge.id: charge for charge in charges}.values()
    foreign = [charge for charge in unique if charge.paid and charge.currency.lower() != "usd"]
    paid = [c for c in unique if c.paid and c.amount > 0 and c.currency.lower() == "usd"]
    return Revenue(
        revenue=sum((c.amount for c in paid), _NOTHING),
        refunded=sum((c.refunded for c in paid), _NOTHING),
        disputed=sum((max(c.amount - c.refunded, _NOTHING) for c in paid if c.disputed), _NOTHING),
        fees=sum((processing_fee(c.amount) for c in paid), _NOTHING),
        paid_charges=len(paid),
        failed_charges=sum(1 for c in unique if not c.paid),
        foreign_charges=len(foreign),
    )
