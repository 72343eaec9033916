"""The words of growth: what a person did, and when it counts."""

from enum import StrEnum


class GrowthKind(StrEnum):
    """A step that a person takes with the product."""

    VISIT = "visit"
    SIGNUP = "signup"
    ACTIVE = "active"
    PAID = "paid"
