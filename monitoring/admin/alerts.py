"""Alerts as people meet them: what fires, who has it, what was told; and the rules behind it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from monitoring.admin.incidents import OpenFilter
from monitoring.domain.delivery import ChannelName
from monitoring.domain.figures import duration
from monitoring.models import AlertDelivery, AlertEpisode, AlertRule
from monitoring.services.alert_answers import UnableToAnswer, acknowledge_alert, resolve_alert
from monitoring.services.alert_rules import UnableToSaveRule, check_rule, save_rule
from monitoring.services.maintenance import UnableToMark, silence_alerts
from tenancy.admin.columns import moment
from tenancy.admin.csv_export import export_csv
from tenancy.admin.scoped import ReadOnlyAdmin, ScopedAdmin, acts_for_platform
from tenancy.admin.time_ranges import time_range

_LONGEST_SILENCE_H = 24 * 14


class AnswerForm(ActionForm):
    """What the actions on alerts ask for besides the alerts themselves."""

    reason = forms.CharField(required=False, max_length=500, label="Reason:")
    # Text, so that a slip here does not keep the other actions from being done.
    hours = forms.CharField(required=False, max_length=8, initial="1", label="Silence for hours:")


def hours_of(text: str) -> float | None:
    """The hours that somebody typed, or None when they are no number up to two weeks."""
    try:
        hours = float(text or "1")
    except ValueError:
        return None
    return hours if 0 < hours <= _LONGEST_SILENCE_H else None


class MutedFilter(admin.SimpleListFilter):
    """Whether anybody was told."""

    title = "told"
    parameter_name = "told"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "told"), ("no", "muted")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        return queryset.filter(told_at__isnull=self.value() == "no")


@admin.register(AlertEpisode)
class AlertEpisodeAdmin(ReadOnlyAdmin):
    """Each alert from its firing to its end. Acknowledging and ending ask for a reason."""

    tenant_path = "tenant_id"
    action_form = AnswerForm
    list_display = (
        moment("fired_at"),
        "severity",
        "rule_key",
        "subject_name",
        "state",
        "summary",
        "lasted",
        "answered_by",
    )
    list_display_links = ("rule_key", "subject_name")
    list_filter = (OpenFilter, "severity", "rule_key", MutedFilter, time_range("fired_at"))
    search_fields = ("subject_name", "summary", "rule_key")
    ordering = ("-fired_at", "-id")
    show_full_result_count = False
    actions = ("acknowledge", "resolve", "silence", export_csv)
    csv_fields = (
        *(
            "id",
            "rule_key",
            "subject_name",
            "severity",
            "state",
            "summary",
            "value",
            "worst_value",
            "threshold",
        ),
        *("unit", "breached_since", "fired_at", "told_at", "acknowledged_at", "acknowledged_by"),
        *("acknowledge_reason", "resolved_at", "resolved_by", "resolution"),
    )

    def has_answer_permission(self, request: HttpRequest) -> bool:
        """May this person acknowledge, resolve and silence? Asked by the actions that declare `answer`."""
        return self.in_reach() and request.user.has_perm("monitoring.answer_alert")

    @admin.display(description="lasted")
    def lasted(self, episode: AlertEpisode) -> str:
        """From the beginning of the trouble to its end, or to now."""
        end = episode.resolved_at or timezone.now()
        return duration(max((end - episode.breached_since).total_seconds(), 0))

    @admin.display(description="answered by")
    def answered_by(self, episode: AlertEpisode) -> str:
        """Who acknowledged or ended it, and why."""
        told = []
        if episode.acknowledged_by:
            told.append(f"{episode.acknowledged_by}: {episode.acknowledge_reason}")
        if episode.resolved_by:
            told.append(f"ended by {episode.resolved_by}: {episode.resolution}")
        return "; ".join(told)

    @admin.action(description="Acknowledge (say why)", permissions=["answer"])
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Somebody has the chosen alerts."""
        self._answer(request, queryset, acknowledge_alert, "acknowledged")

    @admin.action(description="Resolve by hand (say why)", permissions=["answer"])
    def resolve(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """The chosen alerts are over; what is still so fires again."""
        self._answer(request, queryset, resolve_alert, "resolved")

    @admin.action(description="Silence rule and subject (say why and how long)", permissions=["answer"])
    def silence(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Nobody is told of the chosen rules about the chosen subjects for some hours."""
        if not acts_for_platform():
            self.message_user(request, "Silences are the platform's own.", messages.ERROR)
            return
        hours = hours_of(request.POST.get("hours", ""))
        if hours is None:
            self.message_user(request, f"Hours: a number up to {_LONGEST_SILENCE_H}.", messages.ERROR)
            return
        now = timezone.now()
        pairs = {(one.rule_id, one.subject_name): one.rule for one in queryset.select_related("rule")}
        try:
            for (_, subject), rule in pairs.items():
                silence_alerts(
                    rule=rule,
                    subjects=subject,
                    starts_at=now,
                    ends_at=now + timedelta(hours=hours),
                    reason=request.POST.get("reason", ""),
                    actor=request.user.get_username(),
                    now=now,
                )
        except UnableToMark as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        self.message_user(request, f"{len(pairs)} silenced for {hours:g} h.", messages.SUCCESS)

    def _answer(
        self, request: HttpRequest, queryset: QuerySet[Any], service: Callable[..., AlertEpisode], done: str
    ) -> None:
        count, now = 0, timezone.now()
        for pk in queryset.order_by("pk").values_list("pk", flat=True):
            try:
                service(
                    episode_id=pk,
                    actor=request.user.get_username(),
                    reason=request.POST.get("reason", ""),
                    now=now,
                )
            except UnableToAnswer as error:
                self.message_user(request, str(error), messages.WARNING)
                continue
            count += 1
        if count:
            self.message_user(request, f"{count} {done}.", messages.SUCCESS)


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]  # the stubs make it generic, Django does not
    """All of a rule; checked as a whole."""

    channels = forms.MultipleChoiceField(
        choices=[(c.value, c.value) for c in ChannelName],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    class Meta:
        model = AlertRule
        exclude: ClassVar = ["evaluated_at"]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if not self.errors:
            try:
                check_rule(AlertRule(**self.cleaned_data))
            except UnableToSaveRule as error:
                raise forms.ValidationError(str(error)) from error
        return cleaned


@admin.register(AlertRule)
class AlertRuleAdmin(ScopedAdmin):
    """Rules are switched off, not deleted: their alerts stay explained."""

    form = RuleForm
    list_display = ("name", "kind", "severity", "fires", "enabled", "told_by", moment("evaluated_at"))
    list_filter = ("enabled", "severity", "kind")
    search_fields = ("name", "key")
    ordering = ("id",)
    fieldsets = (
        (None, {"fields": ("name", "key", "kind", "severity", "enabled", "subjects")}),
        ("When", {"fields": ("comparison", "threshold", "clear_threshold", "unit", "window_s", "for_s")}),
        ("How often", {"fields": ("occurrences", "within_s", "cool_down_s")}),
        ("Who is told", {"fields": ("channels", "remind_every_s", "pauses_api_days")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("key", "kind") if obj else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        save_rule(obj, actor=request.user.get_username())

    @admin.display(description="fires when")
    def fires(self, rule: AlertRule) -> str:
        """The terms in one line."""
        words = f"{rule.comparison.replace('_', ' ')} {rule.threshold:g} {rule.unit}".strip()
        if rule.window_s:
            words += f" over {duration(rule.window_s)}"
        if rule.for_s:
            words += f" for {duration(rule.for_s)}"
        if rule.occurrences > 1:
            words += f", {rule.occurrences} times within {duration(rule.within_s)}"
        return words

    @admin.display(description="channels")
    def told_by(self, rule: AlertRule) -> str:
        """Where its notices go."""
        return ", ".join(rule.channels) or "nowhere"


@admin.register(AlertDelivery)
class AlertDeliveryAdmin(ReadOnlyAdmin):
    """Every notice, with what the provider said to every attempt."""

    tenant_path = "episode__tenant_id"
    list_display = (
        moment("created_at"),
        "channel",
        "event",
        "subject_line",
        "state",
        "attempt",
        "answer",
        "possible_duplicate",
        moment("finished_at"),
    )
    list_display_links = ("subject_line",)
    list_filter = ("state", "channel", "event", "possible_duplicate", time_range("created_at"))
    search_fields = ("subject_line", "answer")
    ordering = ("-created_at", "-id")
    list_select_related = ("episode",)
    show_full_result_count = False
    actions = (export_csv,)
    csv_fields = (
        *("id", "created_at", "channel", "event", "subject_line", "state", "attempt", "answer"),
        *("possible_duplicate", "finished_at"),
    )
