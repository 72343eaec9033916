"""The schedule rows that an operator can edit: reading them, one by one, and keeping them to the table."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import CharField
from django.db.models.functions import Cast
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks

from monitoring.domain.schedules import BadSchedule, Cron, Every, Schedule, is_subdaily
from monitoring.jobs import JOBS, TICKS, Job, Tick

_UNIT_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
_CRON_FIELDS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
_PLAIN_FIELDS = (
    *(
        "id",
        "name",
        "task",
        "description",
        "enabled",
        "args",
        "kwargs",
        "headers",
        "last_run_at",
        "date_changed",
    ),
    *("start_time", "expires", "one_off", "crontab_id", "interval_id", "interval__every", "interval__period"),
    *(f"crontab__{field}" for field in _CRON_FIELDS),
)
_EMPTY = {"args": "[]", "kwargs": "{}", "headers": "{}"}


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """One schedule row as it stands. `fault` says what is wrong with it; `schedule` is None if unreadable."""

    id: int
    name: str
    task: str
    description: str
    enabled: bool
    schedule: Schedule | None
    fault: str
    last_run_at: datetime | None
    date_changed: datetime
    start_time: datetime | None
    expires: datetime | None
    has_extras: bool


def read_schedule_rows() -> dict[str, ScheduleRow]:
    """Every schedule row by its name. One query; a row that cannot be read has a fault and harms no other."""
    # The zone as text: the field's own conversion raises for a zone that does not exist, and for all rows.
    rows = PeriodicTask.objects.values(*_PLAIN_FIELDS, zone=Cast("crontab__timezone", CharField()))
    return {row["name"]: _read(row) for row in rows}


def _read(row: dict[str, Any]) -> ScheduleRow:
    fault, schedule = "", None
    try:
        schedule = _read_schedule(row)
    except BadSchedule as error:
        fault = str(error)
    fault = fault or _json_fault(row)
    extras = any(row[name] not in (empty, "", None) for name, empty in _EMPTY.items())
    return ScheduleRow(
        **{name: row[name] for name in ("id", "name", "task", "description", "enabled", "last_run_at")},
        **{name: row[name] for name in ("date_changed", "start_time", "expires")},
        schedule=schedule,
        fault=fault,
        has_extras=extras or bool(row["one_off"]),
    )


def _read_schedule(row: dict[str, Any]) -> Schedule:
    if row["crontab_id"] is not None:
        return Cron(
            " ".join(row[f"crontab__{field}"].replace(" ", "") for field in _CRON_FIELDS), row["zone"]
        )
    if row["interval_id"] is not None:
        unit = _UNIT_SECONDS.get(row["interval__period"])
        if unit is None:
            raise BadSchedule(f"An interval in {row['interval__period']} is not run; use seconds or longer.")
        return Every(row["interval__every"] * unit)
    raise BadSchedule("The row has neither a cron nor an interval schedule.")


def _json_fault(row: dict[str, Any]) -> str:
    for name, empty in _EMPTY.items():
        try:
            value = json.loads(row[name] or empty)
        except ValueError:
            return f"The row's {name} are not JSON; they belong empty: {empty}."
        if type(value) is not type(json.loads(empty)):
            return f"The row's {name} are {row[name]}; they belong empty: {empty}."
    return ""


@dataclass(frozen=True, slots=True)
class Drift:
    """One way in which the rows differ from the table. `ours`: a sync mends it; else it is an operator's."""

    name: str
    sentence: str
    ours: bool


def find_drift(rows: dict[str, ScheduleRow]) -> list[Drift]:
    """How `rows` differ from the table of jobs and ticks."""
    drift = []
    wanted = _wanted()
    for name, entry in wanted.items():
        row = rows.get(name)
        if row is None:
            drift.append(Drift(name, "has no schedule row", ours=True))
            continue
        if not row.enabled:
            drift.append(Drift(name, "is disabled", ours=False))
        if row.schedule is None:
            drift.append(Drift(name, f"cannot be read: {row.fault}", ours=False))
        elif row.schedule != _schedule_of(entry):
            drift.append(
                Drift(name, f"runs {row.schedule}, the table says {_schedule_of(entry)}", ours=False)
            )
        if (row.task, row.description) != (entry.task, _description(entry)) or row.has_extras:
            drift.append(Drift(name, "has fields that were changed outside the table", ours=True))
    drift += [
        Drift(name, "is not in the table, and is never run", ours=True)
        for name, row in rows.items()
        if name not in wanted and row.enabled
    ]
    return drift


def _wanted() -> dict[str, Job | Tick]:
    return {**{job.key: job for job in JOBS.values()}, **{tick.row_name: tick for tick in TICKS}}


def _schedule_of(entry: Job | Tick) -> Schedule:
    return entry.schedule if isinstance(entry, Job) else entry.every


def _description(entry: Job | Tick) -> str:
    return entry.name if isinstance(entry, Job) else "Internal tick of the portal; not one of the 18 jobs."


def sync_schedule_rows(*, reset: frozenset[str] = frozenset()) -> list[Drift]:
    """This will bring the rows to the table and return the drift that was found before.

    Missing rows are made, retired ones disabled, our own fields mended. An operator's schedule and on/off
    stay, except those of the names in `reset`. Rows that need nothing are not touched.
    """
    with transaction.atomic():
        rows = read_schedule_rows()
        drift = find_drift(rows)
        wanted = _wanted()
        for name in {found.name for found in drift if found.ours} | (reset & set(wanted)):
            if name in wanted:
                _write_row(name, wanted[name], keep=name in rows and name not in reset)
            else:
                PeriodicTask.objects.filter(name=name).update(enabled=False)
        if drift or reset:
            PeriodicTasks.update_changed()
    return drift


def _write_row(name: str, entry: Job | Tick, *, keep: bool) -> None:
    fields: dict[str, Any] = {
        "task": entry.task,
        "description": _description(entry),
        **_EMPTY,
        **dict.fromkeys(("queue", "exchange", "routing_key", "priority")),
        "one_off": False,
    }
    if not keep:
        fields |= {"enabled": True, "start_time": None, "expires": None, "expire_seconds": None}
        fields |= schedule_fields(_schedule_of(entry))
    # Not save(): it would move last_run_at and date_changed, from which missed slots are counted.
    if not PeriodicTask.objects.filter(name=name).update(**fields):
        PeriodicTask.objects.create(name=name, **fields)


def change_schedule(*, name: str, schedule: Schedule, enabled: bool, now: datetime) -> None:
    """This will make row `name` run by `schedule` from `now` on, or not at all. Older slots are dropped.

    Raises:
        BadSchedule: when a job is to run several times a day in a zone whose clock changes.
    """
    if isinstance(schedule, Cron) and schedule.zone != "UTC" and is_subdaily(schedule):
        raise BadSchedule(f"{schedule}: what runs several times a day runs in UTC, past every clock change.")
    with transaction.atomic():
        PeriodicTask.objects.filter(name=name).update(
            **schedule_fields(schedule), enabled=enabled, last_run_at=None, date_changed=now
        )
        PeriodicTasks.update_changed()


def schedule_fields(schedule: Schedule) -> dict[str, Any]:
    """The columns of a schedule row that say `schedule`. Makes the row they point to if there is none."""
    if isinstance(schedule, Every):
        interval = IntervalSchedule.objects.filter(every=schedule.seconds, period="seconds").first()
        interval = interval or IntervalSchedule.objects.create(every=schedule.seconds, period="seconds")
        return {"interval": interval, "crontab": None, "solar": None, "clocked": None}
    wanted = dict(zip(_CRON_FIELDS, schedule.expr.split(), strict=True)) | {"timezone": schedule.zone}
    crontab = CrontabSchedule.objects.filter(**wanted).first() or CrontabSchedule.objects.create(**wanted)
    return {"crontab": crontab, "interval": None, "solar": None, "clocked": None}


def schedule_faults(rows: dict[str, ScheduleRow]) -> dict[str, str]:
    """What is wrong with each enabled row, by name: unreadable rows, and rows of no job."""
    wanted = _wanted()
    faults = {name: row.fault for name, row in rows.items() if row.fault and row.enabled}
    unknown = "No job of the table has this name; the row is never run."
    return faults | {name: unknown for name, row in rows.items() if row.enabled and name not in wanted}
