"""The words of the cost ledger."""

from enum import StrEnum


class CostKind(StrEnum):
    """How an amount is known."""

    METERED = "metered"
    ESTIMATED = "estimated"
    FIXED = "fixed"
