"""The page of the 18 jobs and the internal ticks: when each runs, how it last ended, run now.

It replaces the schedule pages of django-celery-beat, where whoever may look can run and disable any job and
type any task path. Rows come from the table; only when and whether can be edited.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

import django_celery_beat.admin  # noqa: F401  (registers its pages now, so that they can be taken away)
from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django_celery_beat import models as stock

from monitoring.admin.jobs import LedgerAdmin, in_words, run_each_now
from monitoring.domain.schedules import BadSchedule, Cron, Every, Schedule, is_subdaily, next_slot
from monitoring.jobs import JOBS
from monitoring.models import JobRun, JobSchedule
from monitoring.services.schedules import (
    change_schedule,
    read_schedule_rows,
    schedule_faults,
)

for _model in (
    *(stock.PeriodicTask, stock.CrontabSchedule, stock.IntervalSchedule),
    *(stock.ClockedSchedule, stock.SolarSchedule),
):
    admin.site.unregister(_model)

_ZONES = [
    (zone, zone)
    for zone in ["UTC", "Europe/London", *sorted(available_timezones() - {"UTC", "Europe/London"})]
]


class ScheduleForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """When, as a cron line or an interval, and whether."""

    cron = forms.CharField(
        required=False, max_length=200, help_text="Minute, hour, day, month, weekday: e.g. */5 * * * *"
    )
    zone = forms.ChoiceField(choices=_ZONES, required=False, label="time zone")
    every = forms.IntegerField(
        required=False, min_value=1, max_value=31_536_000, label="or every", help_text="seconds"
    )

    class Meta:
        model = JobSchedule
        fields = ("enabled",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = read_schedule_rows().get(self.instance.name)
        schedule = row.schedule if row else None
        if isinstance(schedule, Cron):
            self.initial.update(cron=schedule.expr, zone=schedule.zone)
        elif isinstance(schedule, Every):
            self.initial.update(every=schedule.seconds)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        cron, every = cleaned.get("cron", "").strip(), cleaned.get("every")
        if bool(cron) is bool(every):
            raise forms.ValidationError("Give either a cron line or an interval, not both.")
        try:
            cleaned["schedule"] = _schedule(cron, cleaned.get("zone") or "UTC", every)
        except BadSchedule as error:
            self.add_error("cron", str(error))
        return cleaned


def _schedule(cron: str, zone: str, every: int | None) -> Schedule:
    if every:
        return Every(every)
    if len(cron.split()) != 5:
        raise BadSchedule("A cron line has five fields: minute, hour, day, month, weekday.")
    schedule = Cron(cron, zone)
    if zone != "UTC" and is_subdaily(schedule):
        raise BadSchedule("What runs several times a day runs in UTC, past every clock change.")
    return schedule


def _with_reading(rows: list[Any]) -> list[Any]:
    """`rows`, each with its schedule as beat reads it and with what is wrong with it. One query.

    The package's own reading stumbles over a row that nobody can read; this one shows it.
    """
    readings = read_schedule_rows()
    faults = schedule_faults(readings)
    for row in rows:
        row.read, row.trouble = readings[row.name], faults.get(row.name, "")
    return rows


class _JobList(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = _with_reading(list(self.result_list))


@admin.register(JobSchedule)
class JobScheduleAdmin(LedgerAdmin):
    """Only when and whether can be edited."""

    form = ScheduleForm
    fields = ("key", "cron", "zone", "every", "enabled", "fault")
    readonly_fields = ("key", "fault")
    list_display = (
        *("shown_name", "key", "when", "next_run", "enabled", "last_run", "last_outcome", "last_took"),
        *("last_summary", "fault"),
    )
    list_filter = ("enabled",)
    search_fields = ("name", "description")
    ordering = ("id",)
    actions = ("run_jobs_now",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        latest = JobRun.objects.filter(job=OuterRef("name")).order_by("-scheduled_for")
        rows: QuerySet[Any] = super().get_queryset(request)
        fields = ("scheduled_for", "state", "outcome", "summary", "started_at", "finished_at")
        return rows.annotate(**{f"run_{name}": Subquery(latest.values(name)[:1]) for name in fields})  # type: ignore[no-any-return]  # the package has no types

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return _JobList

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        return _with_reading([row])[0] if row else None

    @admin.display(description="job", ordering="description")
    def shown_name(self, row: JobSchedule) -> str:
        return JOBS[row.name].name if row.name in JOBS else str(row.name)

    @admin.display(description="key", ordering="name")
    def key(self, row: JobSchedule) -> str:
        return str(row.name)

    @admin.display(description="runs")
    def when(self, row: Any) -> str:
        return str(row.read.schedule or "unreadable")

    @admin.display(description="next run (UTC)")
    def next_run(self, row: Any) -> str:
        if not row.enabled or row.read.schedule is None:
            return "–"
        return f"{next_slot(row.read.schedule, timezone.now()):%a %d %b %H:%M:%S}"

    @admin.display(description="last run (UTC)")
    def last_run(self, row: Any) -> str:
        return f"{row.run_scheduled_for:%a %d %b %H:%M:%S}" if row.run_scheduled_for else "never"

    @admin.display(description="outcome")
    def last_outcome(self, row: Any) -> str:
        return (row.run_outcome or row.run_state or "–").replace("_", " ")

    @admin.display(description="took")
    def last_took(self, row: Any) -> str:
        both = row.run_started_at and row.run_finished_at
        return in_words(row.run_finished_at - row.run_started_at if both else None)

    @admin.display(description="summary")
    def last_summary(self, row: Any) -> str:
        return row.run_summary or "–"

    @admin.display(description="fault")
    def fault(self, row: Any) -> str:
        return row.trouble or "–"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        change_schedule(
            name=obj.name,
            schedule=form.cleaned_data["schedule"],
            enabled=form.cleaned_data["enabled"],
            now=timezone.now(),
        )

    @admin.action(description="Run the selected jobs now", permissions=["run_job"])
    def run_jobs_now(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        run_each_now(request, set(queryset.values_list("name", flat=True)), self)
