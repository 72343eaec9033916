"""The portal's own settings, with leases short enough to see them run out."""

from levqor.settings import *  # noqa: F403  the real settings are what is tested

JOB_LEASE_SECONDS = 2
CELERY_IMPORTS = ["tests.faults.work"]
