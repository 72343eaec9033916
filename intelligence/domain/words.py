"""The words of the intelligence app."""

from enum import StrEnum


class Priority(StrEnum):
    """How soon a recommendation deserves attention."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class RecommendationState(StrEnum):
    OPEN = "open"
    DONE = "done"
    DISMISSED = "dismissed"


class PlatformState(StrEnum):
    """How the checks of the last hour went."""

    OPERATIONAL = "operational"
    DEGRADED = "degraded"
    FAILING = "failing"
    NO_DATA = "no_data"


class Measure(StrEnum):
    """What is forecast, per UTC day."""

    REVENUE = "revenue"
    COST = "cost"
    SIGN_UPS = "sign_ups"
    ACTIVE_USERS = "active_users"
    CHURN = "churn"
