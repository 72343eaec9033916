"""The ledger of job runs, and beat's lease."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import Q

from monitoring.domain.runs import Outcome, RunState, Trigger


class JobRunQuerySet(models.QuerySet["JobRun"]):
    def owed(self) -> JobRunQuerySet:
        """Runs that are still to be done or to be finished, the oldest first."""
        return self.filter(state__in=[RunState.PENDING.value, RunState.RUNNING.value]).order_by(
            "created_at", "id"
        )

    def latest_of_each(self) -> JobRunQuerySet:
        """The newest run of every job. One query over the unique index."""
        return self.order_by("job", "-scheduled_for").distinct("job")


class JobRun(models.Model):
    """One execution of one job in one slot: owed, taken, done. The row exists before anything is sent."""

    job = models.CharField(max_length=64)
    # The slot, computed from the schedule and not from when anybody woke up.
    scheduled_for = models.DateTimeField()
    trigger = models.CharField(
        max_length=16, choices=[(t.value, t.value) for t in Trigger], default=Trigger.SCHEDULE.value
    )
    state = models.CharField(
        max_length=16, choices=[(s.value, s.value) for s in RunState], default=RunState.PENDING.value
    )
    outcome = models.CharField(
        max_length=16, choices=[(o.value, o.value.replace("_", " ")) for o in Outcome], blank=True, default=""
    )
    attempt = models.PositiveSmallIntegerField(default=0)
    # The worker that holds the run renews this while it works, up to the job's time limit. Past this
    # instant the run may be taken again.
    lease_until = models.DateTimeField(null=True, blank=True)
    # Beat's epoch when the slot was opened; a beat that lost its lease cannot open one.
    epoch = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=100, blank=True, default="")
    # One sentence for the log: what was done, or why not.
    summary = models.TextField(blank=True, default="")
    requested_by = models.CharField(max_length=150, blank=True, default="")

    objects = JobRunQuerySet.as_manager()

    class Meta:
        db_table = "job_runs"
        permissions = [("run_job", "Can run a job now")]
        constraints = [
            models.UniqueConstraint(fields=["job", "scheduled_for"], name="job_run_once"),
            models.CheckConstraint(
                name="job_run_done_has_outcome",
                condition=Q(state=RunState.DONE.value, outcome__gt="") | ~Q(state=RunState.DONE.value),
            ),
        ]
        indexes = [
            # The sweeper: what is owed, oldest first?
            models.Index(fields=["created_at"], condition=~Q(state=RunState.DONE.value), name="job_run_owed"),
            # The board and the daily check: what ran lately?
            models.Index(fields=["-scheduled_for"], name="job_run_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.job} {self.scheduled_for:%Y-%m-%d %H:%M}"

    @property
    def lateness(self) -> timedelta | None:
        """How long after its slot the run began; None before it began."""
        return self.started_at - self.scheduled_for if self.started_at else None

    @property
    def duration(self) -> timedelta | None:
        """How long the run took; None unless it began and ended."""
        return self.finished_at - self.started_at if self.started_at and self.finished_at else None


class BeatLease(models.Model):
    """The one row that says which beat may open slots, by the database's clock."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    holder = models.CharField(max_length=100, blank=True, default="")
    # Raised whenever the lease changes hands: the fence against a beat that slept through its lease.
    epoch = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    # Beat writes it with every tick; silence is noticed from outside.
    heartbeat_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "beat_lease"
        constraints = [models.CheckConstraint(name="beat_lease_single_row", condition=Q(id=1))]

    def __str__(self) -> str:
        return f"{self.holder or 'nobody'}, epoch {self.epoch}"


class WorkerHeartbeat(models.Model):
    """When a worker process last said that it lives."""

    worker = models.CharField(max_length=100, primary_key=True)
    heartbeat_at = models.DateTimeField()

    class Meta:
        db_table = "worker_heartbeats"

    def __str__(self) -> str:
        return self.worker
