"""The outbox of notices: written with the alert, sent afterwards, kept as proof."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from monitoring.domain.delivery import ChannelName, DeliveryState, Event
from monitoring.models.alerts import AlertEpisode

_CHANNELS = [(c.value, c.value) for c in ChannelName]


class AlertChannel(models.Model):
    """Who sends through a channel now, and when it may be used next. One sender at a time keeps the order."""

    name = models.CharField(max_length=16, primary_key=True, choices=_CHANNELS)
    holder = models.CharField(max_length=100, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    # The provider's pace and its Retry-After, and our own patience after a failure.
    next_send_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "alert_channels"

    def __str__(self) -> str:
        return self.name


class AlertDelivery(models.Model):
    """One notice through one channel, with what the provider said to every attempt."""

    episode = models.ForeignKey(AlertEpisode, on_delete=models.PROTECT, related_name="deliveries")
    channel = models.CharField(max_length=16, choices=_CHANNELS)
    event = models.CharField(max_length=16, choices=[(e.value, e.value) for e in Event])
    # Episode, event, its number and channel: the same notice is never written twice.
    dedupe_key = models.CharField(max_length=100, unique=True)
    subject_line = models.CharField(max_length=300)
    body = models.TextField()
    state = models.CharField(
        max_length=8,
        choices=[(s.value, s.value) for s in DeliveryState],
        default=DeliveryState.PENDING.value,
    )
    attempt = models.PositiveIntegerField(default=0)
    # Set before each attempt and emptied after it: who finds it set follows a sender that died in between.
    sending_since = models.DateTimeField(null=True, blank=True)
    # The provider may have taken an earlier attempt without our hearing of it.
    possible_duplicate = models.BooleanField(default=False)
    answer = models.CharField(max_length=500, blank=True, default="")
    # The newest attempts: [{"at", "attempt", "outcome", "answer"}].
    attempts = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "alert_deliveries"
        verbose_name = "notice"
        constraints = [
            models.CheckConstraint(
                name="alert_delivery_ended_says_when",
                condition=Q(state=DeliveryState.PENDING.value, finished_at__isnull=True)
                | (~Q(state=DeliveryState.PENDING.value) & Q(finished_at__isnull=False)),
            )
        ]
        indexes = [
            # The sender: what comes next in this channel?
            models.Index(
                fields=["channel", "id"],
                condition=Q(state=DeliveryState.PENDING.value),
                name="alert_delivery_pending",
            ),
            # The list, newest first.
            models.Index(fields=["-created_at", "-id"], name="alert_delivery_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.event} of {self.episode_id} by {self.channel}"
