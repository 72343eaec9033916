"""Endpoints: the things that are probed, and how each stands now."""

from __future__ import annotations

from django.contrib.postgres.functions import TransactionNow
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from monitoring.domain.observing import HOLD_INTERVALS, EndpointStanding
from tenancy.models import Tenant

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    def critical(self) -> EndpointQuerySet:
        """The endpoints that count for the uptime gate, paused ones too: pausing a probe hides nothing."""
        return self.filter(critical=True)

    def for_board(self) -> EndpointQuerySet:
        """Enabled endpoints with their state, the critical ones first. One query."""
        return (
            self.filter(enabled=True).select_related("state").order_by("-critical", "component", "name", "id")
        )


class Endpoint(models.Model):
    """A thing that is probed."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=100, unique=True)
    component = models.CharField(
        max_length=100, blank=True, default="", help_text="The part of the platform it belongs to."
    )
    url = models.CharField(max_length=2000)
    method = models.CharField(max_length=8, choices=[(m, m) for m in METHODS], default="GET")
    # Values may name an environment variable, ${LEVQOR_PROBE_KEY}; they are never shown again in full.
    headers = models.JSONField(default=dict, blank=True)
    body = models.TextField(blank=True, default="")
    expected_status = models.PositiveSmallIntegerField(
        default=200, validators=[MinValueValidator(100), MaxValueValidator(599)]
    )
    # Conditions in the assertion language, e.g. "[BODY].ok == true".
    conditions = models.JSONField(default=list, blank=True)
    latency_objective_ms = models.PositiveIntegerField(null=True, blank=True)
    timeout_s = models.FloatField(default=10, validators=[MinValueValidator(0.1), MaxValueValidator(60)])
    interval_s = models.PositiveIntegerField(
        default=30, validators=[MinValueValidator(5), MaxValueValidator(86400)]
    )
    # Between two probes an interval apart an outage shorter than the interval can hide: the pulse is the
    # longest time an endpoint goes unobserved. 0 = the interval itself.
    pulse_s = models.PositiveIntegerField(default=10, validators=[MaxValueValidator(86400)])
    confirm_interval_s = models.PositiveIntegerField(
        default=5, validators=[MinValueValidator(1), MaxValueValidator(3600)]
    )
    critical = models.BooleanField(default=False, help_text="Counts for the uptime gate.")
    enabled = models.BooleanField(default=True)
    # One of the portal's own five intelligence endpoints: the API-days gate reads its probes.
    intelligence_api = models.BooleanField(default=False, editable=False)
    tags = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(db_default=TransactionNow(), editable=False)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        db_table = "endpoints"
        constraints = [
            models.CheckConstraint(name="endpoint_interval_positive", condition=Q(interval_s__gte=1)),
            models.CheckConstraint(name="endpoint_confirm_positive", condition=Q(confirm_interval_s__gte=1)),
            models.CheckConstraint(name="endpoint_timeout_positive", condition=Q(timeout_s__gt=0)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def hold_s(self) -> float:
        """Seconds for which one observation speaks: 2.5 intervals."""
        return HOLD_INTERVALS * self.interval_s

    @property
    def cadence_s(self) -> int:
        """Seconds between two probes while all is well."""
        return min(self.interval_s, self.pulse_s) if self.pulse_s else self.interval_s


class EndpointState(models.Model):
    """When an endpoint is probed next and how it stood last. Written with every probe, so kept narrow."""

    endpoint = models.OneToOneField(
        Endpoint, on_delete=models.CASCADE, primary_key=True, related_name="state"
    )
    next_due_at = models.DateTimeField()
    # Held by the batch that probes it; past this instant somebody else may.
    lease_until = models.DateTimeField(null=True, blank=True)
    standing = models.CharField(
        max_length=8,
        choices=[(s.value, s.value) for s in EndpointStanding],
        default=EndpointStanding.UNKNOWN.value,
    )
    standing_since = models.DateTimeField(null=True, blank=True)
    # The last observation: its beginning orders all others.
    last_at = models.DateTimeField(null=True, blank=True)
    last_status = models.PositiveSmallIntegerField(null=True, blank=True)
    last_latency_ms = models.FloatField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True, default="")
    last_good_at = models.DateTimeField(null=True, blank=True)
    # The latest end of an observation: what lies more than a hold after it was seen by nobody.
    seen_until = models.DateTimeField(null=True, blank=True)
    # The running outage and the running span of observation.
    outage = models.ForeignKey(
        "monitoring.Outage", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    span = models.ForeignKey(
        "monitoring.ObservedSpan", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    certificate_expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "endpoint_states"
        # The tick: which endpoints are due?
        indexes = [models.Index(fields=["next_due_at"], name="endpoint_state_due")]

    def __str__(self) -> str:
        return f"{self.endpoint_id} {self.standing}"
