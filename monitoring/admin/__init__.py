"""The admin pages of monitoring; importing registers them."""

from monitoring.admin import (
    alerts,
    burnin,
    costs,
    endpoints,
    health,
    incidents,
    jobs,
    maintenance,
    outages,
    schedules,
)

__all__ = [
    "alerts",
    "burnin",
    "costs",
    "endpoints",
    "health",
    "incidents",
    "jobs",
    "maintenance",
    "outages",
    "schedules",
]
