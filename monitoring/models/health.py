"""The log of observations and its rollups.

`system_health_log` is partitioned by day and append-only; rows are written by COPY through
`services.recording`, and a statement trigger rolls each batch up. Migrations create it in SQL: the model
says how it is read.
"""

from __future__ import annotations

from django.db import models

from monitoring.domain.observing import Source
from monitoring.models.endpoints import Endpoint
from tenancy.models import Tenant
from tenancy.models.owned import CurrentTenant


class HealthLog(models.Model):
    """One observation: a probe, or what a program reported."""

    # From one sequence, unique by construction: an index to prove it would cost more than the log's own.
    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey(
        Tenant,
        on_delete=models.PROTECT,
        db_default=CurrentTenant(),
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    # Copied, not constrained: the log outlives the endpoint.
    endpoint = models.ForeignKey(
        Endpoint,
        on_delete=models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    source = models.CharField(max_length=16, choices=[(s.value, s.value) for s in Source])
    # When the observation began.
    ts = models.DateTimeField()
    # When the answer was complete, or given up on.
    ended_at = models.DateTimeField(null=True)
    # 0 = no answer.
    status_code = models.SmallIntegerField(null=True)
    ok = models.BooleanField()
    latency_ms = models.FloatField(null=True)
    error_class = models.CharField(max_length=32, default="")
    error = models.TextField(default="")
    failed_assertion = models.TextField(default="")
    # What log_health_metric() was told of the platform's two halves.
    frontend = models.TextField(default="")
    backend = models.TextField(default="")

    class Meta:
        managed = False
        db_table = "system_health_log"
        verbose_name = "observation"
        verbose_name_plural = "observations"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.ts:%Y-%m-%d %H:%M:%S} {'ok' if self.ok else self.error_class or 'bad'}"


class HealthCounts(models.Model):
    """What was counted of one endpoint and source in one stretch of time."""

    pk = models.CompositePrimaryKey("endpoint_key", "source", "tenant_id", "at")
    tenant = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    # The endpoint's id, or 0 for observations of none.
    endpoint_key = models.BigIntegerField()
    source = models.CharField(max_length=16)
    at = models.DateTimeField()
    total = models.IntegerField()
    bad = models.IntegerField()
    server_errors = models.IntegerField()
    # Sum and number of the latencies of answered observations, for the average.
    latency_sum_ms = models.FloatField()
    latency_count = models.IntegerField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.endpoint_key} {self.at:%Y-%m-%d %H:%M}"


class HealthMinute(HealthCounts):
    """Counts of one minute."""

    class Meta:
        managed = False
        db_table = "health_minutes"


class HealthHour(HealthCounts):
    """Counts of one hour."""

    class Meta:
        managed = False
        db_table = "health_hours"


class HealthLatency(models.Model):
    """How many latencies of one endpoint fell into one histogram bucket in one hour."""

    pk = models.CompositePrimaryKey("endpoint_key", "tenant_id", "at", "bucket")
    tenant = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    endpoint_key = models.BigIntegerField()
    at = models.DateTimeField()
    # As `domain.histogram.bucket_of` numbers them.
    bucket = models.SmallIntegerField()
    n = models.IntegerField()

    class Meta:
        managed = False
        db_table = "health_latencies"

    def __str__(self) -> str:
        return f"{self.endpoint_key} {self.at:%Y-%m-%d %H}h bucket {self.bucket}"
