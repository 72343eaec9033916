from monitoring.admin import jobs, schedules  # noqa: F401  (importing registers the pages)
