"""Alert rules, what is remembered between two readings, and the episodes that come of it."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from monitoring.domain.alerting import Comparison, EpisodeState, Phase, RuleKind, Terms
from monitoring.domain.delivery import ChannelName
from monitoring.domain.observing import Severity
from monitoring.models.endpoints import Endpoint
from tenancy.models import Tenant

_SEVERITIES = [(s.value, s.value) for s in Severity]
_DAY_S = 86_400


def all_channels() -> list[str]:
    """Every channel there is: what a new rule tells."""
    return [channel.value for channel in ChannelName]


class AlertRule(models.Model):
    """What is looked at, when it is an alert, and who is told. An operator may change all of it."""

    key = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=16, choices=[(k.value, k.value.replace("_", " ")) for k in RuleKind])
    severity = models.CharField(max_length=2, choices=_SEVERITIES)
    enabled = models.BooleanField(default=True)
    comparison = models.CharField(
        max_length=8,
        choices=[(c.value, c.value.replace("_", " ")) for c in Comparison],
        default=Comparison.ABOVE.value,
    )
    threshold = models.FloatField()
    unit = models.CharField(max_length=16, blank=True, default="", help_text="Shown behind the value.")
    clear_threshold = models.FloatField(
        null=True, blank=True, help_text="Back at this value the alert ends. Empty: at the threshold."
    )
    window_s = models.PositiveIntegerField(
        "window (s)",
        default=0,
        help_text="The seconds a rate or count looks back over; 0 where the kind looks at this moment.",
        validators=[MaxValueValidator(30 * _DAY_S)],
    )
    for_s = models.PositiveIntegerField(
        "for (s)",
        default=0,
        help_text="How long it must last before it fires.",
        validators=[MaxValueValidator(_DAY_S)],
    )
    occurrences = models.PositiveSmallIntegerField(
        default=1,
        help_text="With more than 1: how many breaches within the time below make an alert.",
        validators=[MinValueValidator(1), MaxValueValidator(100)],
    )
    within_s = models.PositiveIntegerField(
        "within (s)", default=0, validators=[MaxValueValidator(7 * _DAY_S)]
    )
    cool_down_s = models.PositiveIntegerField(
        "cool-down (s)",
        default=0,
        help_text="After one alert has ended, the next about the same subject waits so long.",
        validators=[MaxValueValidator(7 * _DAY_S)],
    )
    remind_every_s = models.PositiveIntegerField(
        "remind every (s)", null=True, blank=True, help_text="Empty: no reminders."
    )
    channels = ArrayField(
        models.CharField(max_length=16, choices=[(c.value, c.value) for c in ChannelName]),
        default=all_channels,
        blank=True,
    )
    subjects = models.CharField(
        max_length=200,
        blank=True,
        default="",
        help_text="Only subjects whose name fits this pattern, such as shop*. Empty: all.",
    )
    pauses_api_days = models.BooleanField(
        "pauses API days",
        default=True,
        help_text="A day on which it fires does not count for the API streak.",
    )
    opens_incident = models.BooleanField(
        "opens an incident",
        default=False,
        help_text="Each alert of this rule becomes an incident of its severity. A P1 decides a gate.",
    )
    # What happened since is looked at next time, so that nothing between two evaluations goes unseen.
    evaluated_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        db_table = "alert_rules"
        constraints = [
            models.CheckConstraint(
                name="alert_rule_severity_known", condition=Q(severity__in=[s.value for s in Severity])
            ),
            models.CheckConstraint(
                name="alert_rule_counts_within", condition=Q(occurrences__lte=1) | Q(within_s__gt=0)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def terms(self) -> Terms:
        """When it fires and clears.

        Raises:
            BadTerms: when the row contradicts itself.
        """
        return Terms(
            comparison=Comparison(self.comparison),
            threshold=self.threshold,
            clear=self.clear_threshold,
            hold=timedelta(seconds=self.for_s),
            occurrences=self.occurrences,
            within=timedelta(seconds=self.within_s),
            cool_down=timedelta(seconds=self.cool_down_s),
            remind_every=None if self.remind_every_s is None else timedelta(seconds=self.remind_every_s),
        )


class AlertTrack(models.Model):
    """What one rule remembers of one subject that is not firing. Written only when it changes."""

    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="tracks")
    subject = models.CharField(max_length=100)
    phase = models.CharField(
        max_length=8, choices=[(p.value, p.value) for p in Phase], default=Phase.QUIET.value
    )
    breached_since = models.DateTimeField(null=True, blank=True)
    breaches = ArrayField(models.DateTimeField(), default=list, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "alert_tracks"
        constraints = [models.UniqueConstraint(fields=["rule", "subject"], name="alert_track_once")]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.subject} {self.phase}"


class AlertEpisodeQuerySet(models.QuerySet["AlertEpisode"]):
    def open(self) -> AlertEpisodeQuerySet:
        """Alerts that are firing, acknowledged or not, the gravest first."""
        return self.filter(resolved_at__isnull=True).order_by("severity", "fired_at", "id")

    def touching(self, start: object, end: object) -> AlertEpisodeQuerySet:
        """Alerts that were firing at some moment of `[start, end)`."""
        return self.filter(Q(resolved_at__isnull=True) | Q(resolved_at__gt=start), fired_at__lt=end)


class AlertEpisode(models.Model):
    """One alert from its firing to its end. What it says is copied: the rule may change afterwards."""

    rule = models.ForeignKey(AlertRule, on_delete=models.PROTECT, related_name="episodes")
    rule_key = models.CharField(max_length=64)
    # Stable, such as endpoint:12; the name is what people call it.
    subject = models.CharField(max_length=100)
    subject_name = models.CharField(max_length=200)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.SET_NULL, null=True, blank=True, related_name="alerts"
    )
    severity = models.CharField(max_length=2, choices=_SEVERITIES)
    state = models.CharField(
        max_length=16,
        choices=[(s.value, s.value) for s in EpisodeState],
        default=EpisodeState.FIRING.value,
    )
    summary = models.TextField()
    value = models.FloatField(null=True, blank=True)
    worst_value = models.FloatField(null=True, blank=True)
    threshold = models.FloatField()
    unit = models.CharField(max_length=16, blank=True, default="")
    pauses_api_days = models.BooleanField("pauses API days", default=True)
    # When the trouble began, which may be before it was an alert.
    breached_since = models.DateTimeField()
    fired_at = models.DateTimeField()
    # Empty while nobody could be told, because it was muted from the beginning.
    told_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.CharField(max_length=150, blank=True, default="")
    acknowledge_reason = models.CharField(max_length=500, blank=True, default="")
    resolved_at = models.DateTimeField(null=True, blank=True)
    # Empty: it ended by itself.
    resolved_by = models.CharField(max_length=150, blank=True, default="")
    resolution = models.CharField(max_length=500, blank=True, default="")

    objects = AlertEpisodeQuerySet.as_manager()

    class Meta:
        db_table = "alert_episodes"
        verbose_name = "alert"
        permissions = [("answer_alert", "Can acknowledge, resolve and silence alerts")]
        constraints = [
            # However many evaluate at once, one subject has one open alert of a rule.
            models.UniqueConstraint(
                fields=["rule", "subject"],
                condition=Q(resolved_at__isnull=True),
                name="alert_episode_open_once",
            ),
            models.CheckConstraint(
                name="alert_episode_ends_after_it_fires",
                condition=Q(resolved_at__isnull=True) | Q(resolved_at__gte=F("fired_at")),
            ),
            models.CheckConstraint(
                name="alert_episode_resolved_says_when",
                condition=Q(state=EpisodeState.RESOLVED.value, resolved_at__isnull=False)
                | (~Q(state=EpisodeState.RESOLVED.value) & Q(resolved_at__isnull=True)),
            ),
        ]
        # Which alerts touched a day?
        indexes = [models.Index(fields=["fired_at"], name="alert_episode_by_time")]

    def __str__(self) -> str:
        return f"{self.severity} {self.rule_key}: {self.subject_name}"
