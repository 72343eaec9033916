"""What real callers met at the intelligence API, by the minute."""

from __future__ import annotations

from django.db import models


class ApiCallMinute(models.Model):
    """The calls of one minute to one endpoint that ended in one class of status.

    Calls of the portal's own prober are kept apart: they prove that calls were counted, and are no users.
    """

    pk = models.CompositePrimaryKey("at", "endpoint", "status_class", "by_prober")
    at = models.DateTimeField()
    # The last part of the path, such as "status".
    endpoint = models.CharField(max_length=32)
    # 2 for 200 to 299, and so on.
    status_class = models.PositiveSmallIntegerField()
    by_prober = models.BooleanField()
    calls = models.PositiveIntegerField()
    # Seconds inside the portal, together and of the slowest.
    seconds_sum = models.FloatField()
    seconds_max = models.FloatField()

    class Meta:
        db_table = "api_call_minutes"
        verbose_name = "minute of API calls"
        verbose_name_plural = "minutes of API calls"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.endpoint} {self.status_class}xx"
