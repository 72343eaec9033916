"""The admin pages of monitoring; importing registers them."""

from monitoring.admin import (
    alerts,
    burnin,
    checkpoints,
    costs,
    endpoints,
    health,
    incidents,
    jobs,
    maintenance,
    ops_log,
    outages,
    reviews,
    schedules,
)

__all__ = [
    "alerts",
    "burnin",
    "checkpoints",
    "costs",
    "endpoints",
    "health",
    "incidents",
    "jobs",
    "maintenance",
    "ops_log",
    "outages",
    "reviews",
    "schedules",
]
