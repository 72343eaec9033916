<<<<<<< HEAD
from monitoring.admin import jobs, schedules  # noqa: F401  (importing registers the pages)
=======
"""The admin pages of monitoring; importing registers them."""

from monitoring.admin import burnin, costs, endpoints, health, incidents, outages

__all__ = ["burnin", "costs", "endpoints", "health", "incidents", "outages"]
>>>>>>> admin
