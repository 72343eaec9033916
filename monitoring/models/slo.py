"""SLOs, how each stood whenever it was evaluated, and the recoveries proposed for those that break."""

from __future__ import annotations

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Prefetch, Q

from monitoring.domain.slo import SliKind, SloPeriod, SloStanding
from monitoring.domain.slo_reading import SloTerms
from monitoring.models.endpoints import Endpoint

_NAME = RegexValidator(
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
    "Use lower-case letters, digits and dashes, and begin and end with a letter or digit.",
)


class SloQuerySet(models.QuerySet["Slo"]):
    def in_force(self) -> SloQuerySet:
        """The SLOs that are evaluated, with their endpoints. Two queries."""
        endpoints = Prefetch("endpoints", queryset=Endpoint.objects.select_related("state").order_by("id"))
        return self.filter(enabled=True).prefetch_related(endpoints).order_by("name")


class Slo(models.Model):
    """A promise about the platform: of what is measured, which share must be good, over which time."""

    # As OpenSLO names objects.
    name = models.CharField(max_length=63, unique=True, validators=[_NAME])
    title = models.CharField(max_length=100, blank=True, default="")
    description = models.CharField(max_length=1050, blank=True, default="")
    sli = models.CharField(
        "measures", max_length=16, choices=[(k.value, k.value.replace("_", " ")) for k in SliKind]
    )
    # A ratio: 0.999 is 99.9 %.
    objective = models.DecimalField(max_digits=9, decimal_places=8)
    threshold_ms = models.FloatField(
        "threshold (ms)",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Latency only: an answer counts as good when it takes no longer than this.",
    )
    period = models.CharField(
        max_length=8,
        choices=[(p.value, p.label) for p in SloPeriod],
        default=SloPeriod.ROLLING_7D.value,
        help_text="The time over which the objective must hold.",
    )
    endpoints = models.ManyToManyField(
        Endpoint, blank=True, related_name="slos", help_text="None chosen: all critical endpoints."
    )
    enabled = models.BooleanField(default=True)
    # Three breaches in a row propose to recover this; empty: the portal proposes nothing.
    recovers = models.CharField(
        "recovers",
        max_length=100,
        blank=True,
        default="platform",
        help_text="The subsystem to recover when it is breached three times in a row. Empty: none.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SloQuerySet.as_manager()

    class Meta:
        db_table = "slos"
        verbose_name = "SLO"
        verbose_name_plural = "SLOs"
        constraints = [
            models.CheckConstraint(
                name="slo_objective_is_a_ratio", condition=Q(objective__gt=0, objective__lt=1)
            ),
            models.CheckConstraint(
                name="slo_threshold_of_latency",
                condition=Q(sli=SliKind.LATENCY.value, threshold_ms__gt=0)
                | (~Q(sli=SliKind.LATENCY.value) & Q(threshold_ms__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.name

    @property
    def terms(self) -> SloTerms:
        """What it promises."""
        return SloTerms(
            sli=SliKind(self.sli),
            objective=float(self.objective),
            period=SloPeriod(self.period),
            threshold_ms=self.threshold_ms,
        )

    @property
    def objective_percent(self) -> str:
        """The objective in percent, as it was written."""
        return f"{(self.objective * 100).normalize():f}"


class SloEvaluationQuerySet(models.QuerySet["SloEvaluation"]):
    def newest_of_each(self) -> SloEvaluationQuerySet:
        """The newest evaluation of each SLO. One query."""
        return self.order_by("slo_id", "-at").distinct("slo_id")


class SloEvaluation(models.Model):
    """How one SLO stood at one moment. Append-only; kept for 90 days."""

    slo = models.ForeignKey(Slo, on_delete=models.CASCADE, related_name="evaluations")
    at = models.DateTimeField()
    # Copied: the SLO may change afterwards.
    objective = models.DecimalField(max_digits=9, decimal_places=8)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    # All empty while nothing is known.
    sli = models.FloatField(null=True)
    budget_s = models.FloatField(null=True)
    remaining_s = models.FloatField(null=True)
    coverage = models.FloatField()
    standing = models.CharField(max_length=16, choices=[(s.value, s.value) for s in SloStanding])
    # Burn rates by the length of the trailing window in seconds.
    rates = models.JSONField(default=dict)
    # Of the pair that is furthest on: its rate over its factor.
    burn = models.FloatField(null=True)
    no_data = models.BooleanField(default=False)
    silence_s = models.FloatField(null=True)
    breach = models.BooleanField(null=True)
    breaches = models.PositiveIntegerField(default=0)
    samples = models.BigIntegerField(default=0)
    sentence = models.TextField(blank=True, default="")

    objects = SloEvaluationQuerySet.as_manager()

    class Meta:
        db_table = "slo_evaluations"
        verbose_name = "SLO evaluation"
        # A run that is done twice leaves one row. Its index also finds the newest, and draws the chart.
        constraints = [models.UniqueConstraint(fields=["slo", "at"], name="slo_evaluation_once")]

    def __str__(self) -> str:
        return f"{self.slo_id} {self.at:%Y-%m-%d %H:%M} {self.standing}"


class RecoveryProposal(models.Model):
    """A recovery that should be tried. Written here; what recovers reads it and answers."""

    slo = models.ForeignKey(Slo, on_delete=models.CASCADE, related_name="proposals")
    incident = models.ForeignKey(
        "monitoring.Incident", on_delete=models.SET_NULL, null=True, related_name="proposals"
    )
    # Copied text: what to recover, and why.
    subsystem = models.CharField(max_length=100)
    reason = models.TextField()
    proposed_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        db_table = "recovery_proposals"
        constraints = [models.UniqueConstraint(fields=["slo", "proposed_at"], name="recovery_proposed_once")]
        # Which proposals wait for an answer?
        indexes = [
            models.Index(
                fields=["proposed_at"], name="recovery_waiting", condition=Q(answered_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"recover {self.subsystem}, {self.proposed_at:%Y-%m-%d %H:%M}"
