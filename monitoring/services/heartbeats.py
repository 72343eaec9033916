"""Signs of life: each worker process says that it lives, and the canary that a message comes all the way."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from monitoring.models import WorkerHeartbeat

# The canary's row: the last instant at which a message went from beat through broker and worker to the
# database. It is no worker.
CANARY = "canary"
_FORGET_AFTER = timedelta(days=1)


def beat_of(worker: str) -> None:
    """This will write down that `worker` lives, by the database's clock. One statement."""
    with transaction.atomic():
        WorkerHeartbeat.objects.bulk_create(
            [WorkerHeartbeat(worker=worker[:100], heartbeat_at=Now())],
            update_conflicts=True,
            unique_fields=["worker"],
            update_fields=["heartbeat_at"],
        )


def sing() -> None:
    """This will write down that the canary came through."""
    beat_of(CANARY)


def leave(worker: str) -> None:
    """This will remove the row of a worker that stopped in good order."""
    with transaction.atomic():
        WorkerHeartbeat.objects.filter(worker=worker[:100]).delete()


def forget_the_dead() -> int:
    """This will remove the rows of workers silent for more than a day. How many."""
    with transaction.atomic():
        return WorkerHeartbeat.objects.filter(heartbeat_at__lt=Now() - _FORGET_AFTER).delete()[0]
