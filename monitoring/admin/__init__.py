"""The admin pages of monitoring; importing registers them."""

from monitoring.admin import burnin, costs, endpoints, health, incidents, jobs, outages, schedules

__all__ = ["burnin", "costs", "endpoints", "health", "incidents", "jobs", "outages", "schedules"]
