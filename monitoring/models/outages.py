"""Outages with their four instants, and the spans in which anybody looked."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from monitoring.models.endpoints import Endpoint


class OutageQuerySet(models.QuerySet["Outage"]):
    def confirmed(self) -> OutageQuerySet:
        """Outages that a second probe confirmed; the rest are blips."""
        return self.filter(confirmed=True)

    def touching(self, start: object, end: object) -> OutageQuerySet:
        """Outages that may have lasted into `[start, end)`."""
        return self.filter(
            Q(first_good_at__isnull=True) | Q(first_good_at__gt=start),
            Q(last_good_at__isnull=True) | Q(last_good_at__lt=end),
            first_bad_at__lt=end,
        )


class Outage(models.Model):
    """An interval in which an endpoint failed, known by the four observations around its edges."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="outages")
    # The beginning of the last good observation before; None when there was none.
    last_good_at = models.DateTimeField(null=True, blank=True)
    # The end of the first bad one, the beginning of the last bad one.
    first_bad_at = models.DateTimeField()
    last_bad_at = models.DateTimeField()
    # The end of the first good observation after; None while it lasts.
    first_good_at = models.DateTimeField(null=True, blank=True)
    # False = a blip: one failure whose confirmation passed.
    confirmed = models.BooleanField(default=False)
    # Seconds between the first and the last bad one that no observation spoke for.
    unseen_s = models.FloatField(default=0)
    failures = models.PositiveIntegerField(default=1)
    status_code = models.PositiveSmallIntegerField(default=0)
    error_class = models.CharField(max_length=32, blank=True, default="")
    error = models.CharField(max_length=500, blank=True, default="")

    objects = OutageQuerySet.as_manager()

    class Meta:
        db_table = "outages"
        constraints = [
            # One open outage an endpoint: a redelivered batch cannot open a second.
            models.UniqueConstraint(
                fields=["endpoint"], condition=Q(first_good_at__isnull=True), name="outage_open_once"
            ),
            models.CheckConstraint(
                name="outage_ends_after_it_begins",
                condition=Q(first_good_at__isnull=True) | Q(first_good_at__gte=F("last_bad_at")),
            ),
        ]
        # Which outages touch a window, of one endpoint or of all?
        indexes = [
            models.Index(fields=["endpoint", "first_bad_at"], name="outage_by_endpoint"),
            models.Index(fields=["first_bad_at"], name="outage_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.endpoint_id} from {self.first_bad_at:%Y-%m-%d %H:%M:%S}"


class ObservedSpan(models.Model):
    """A stretch of time in which one observation spoke until the next: the record of when anybody looked."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="spans")
    started_at = models.DateTimeField()
    # The end of the last observation plus its hold, 2.5 intervals: it may lie in the future.
    ended_at = models.DateTimeField()

    class Meta:
        db_table = "observed_spans"
        constraints = [
            models.CheckConstraint(name="span_in_order", condition=Q(ended_at__gt=F("started_at"))),
            models.UniqueConstraint(fields=["endpoint", "started_at"], name="span_once"),
        ]
        # Which spans touch a window?
        indexes = [models.Index(fields=["endpoint", "ended_at"], name="span_by_end")]

    def __str__(self) -> str:
        return f"{self.endpoint_id} {self.started_at:%Y-%m-%d %H:%M:%S} – {self.ended_at:%H:%M:%S}"
