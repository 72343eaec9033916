"""The schedule rows, as the portal shows them."""

from __future__ import annotations

from typing import Any

from django.db import models
from django_celery_beat.models import PeriodicTask


class JobSchedule(PeriodicTask):  # type: ignore[misc]  # the package has no types
    """One of the 18 jobs, or an internal tick: when it runs, and whether."""

    class Meta:
        proxy = True
        verbose_name = "job"
        default_permissions = ("view", "change")

    def __str__(self) -> str:
        # Not the package's own text, which reads the schedule: a row that cannot be read has a name still.
        return str(self.name)

    def validate_unique(self, exclude: Any = None) -> None:
        # The package's own check reads the schedule too; ours is checked where it is typed.
        models.Model.validate_unique(self, exclude)
