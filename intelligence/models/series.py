"""What the watching of series remembers. Rows of the measuring plane, not of tenants."""

from __future__ import annotations

from django.db import models

from intelligence.domain.scaling import ScalingChoice


class SeriesMemory(models.Model):
    """A detector's memory as bytes, so that the next cycle goes on where this one stopped."""

    series = models.CharField(max_length=100, primary_key=True)
    # The newest point that the bytes know.
    last_at = models.DateTimeField()
    packed = models.BinaryField()
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "series_memories"
        default_permissions = ()

    def __str__(self) -> str:
        return self.series


class SeriesSample(models.Model):
    """A point of a series that no other table keeps, such as the depth of the queue."""

    series = models.CharField(max_length=100)
    at = models.DateTimeField()
    value = models.FloatField()

    class Meta:
        db_table = "series_samples"
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["series", "at"], name="series_sample_once")]

    def __str__(self) -> str:
        return f"{self.series} {self.at:%Y-%m-%d %H:%M}"


class ScalingCheck(models.Model):
    """One decision on how many workers to run, with what it rests on."""

    at = models.DateTimeField(unique=True)
    choice = models.CharField(max_length=8, choices=[(c.value, c.value) for c in ScalingChoice])
    workers = models.PositiveSmallIntegerField()
    target = models.PositiveSmallIntegerField()
    reasons = models.JSONField()
    p95_ms = models.FloatField("P95 latency, ms", null=True)
    queue_depth = models.PositiveIntegerField(null=True)
    spend_24h = models.DecimalField(max_digits=12, decimal_places=4, null=True)
    margin = models.FloatField(null=True)
    # What the hook answered; empty where none is configured or nothing was to be done.
    executed = models.TextField(blank=True, default="")

    class Meta:
        db_table = "scaling_checks"
        verbose_name = "scaling check"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.choice}"
