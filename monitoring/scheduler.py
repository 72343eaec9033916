"""Beat, through the ledger: `CELERY_BEAT_SCHEDULER = "monitoring.scheduler.LedgerScheduler"`.

Any number may run; the one that holds the lease opens slots and sends them. Slots come from the schedule and
the ledger, so a killed beat doubles nothing and misses nothing, and no fault of one row touches another.
"""

from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, connections
from django.db.models import QuerySet
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from monitoring.clients import broker
from monitoring.services import beat, ledger
from monitoring.services.schedules import read_schedule_rows, schedule_faults

logger = logging.getLogger(__name__)

_LEASE_S = 1.0
# An operator's edit, by whatever way, is in force after this at the latest.
_READ_S = 3.0
_SWEEP_S = 5.0
# Ticks are dropped while so many messages wait: they would only pile up.
_FULL = 500


class LedgerScheduler(DatabaseScheduler):  # type: ignore[misc]  # the package has no types
    """Opens due slots in the ledger, then sends them; sweeps; sends the internal ticks."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._epoch: int | None = None
        self._slots = beat.SlotBook()
        self._ticks = beat.TickBook()
        self._faults: dict[str, str] = {}
        self._trouble = ""
        # When each of the regular doings was last done, on the monotonic clock.
        self._done_at: dict[str, float] = {}
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """Nothing: rows come from `sync_jobs` only."""

    def enabled_models_qs(self) -> QuerySet[Any]:
        """Every enabled row, whatever its hour."""
        return PeriodicTask.objects.filter(enabled=True)  # type: ignore[no-any-return]  # the package has no types

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """One turn; returns the seconds to sleep, 1 at the most. Never raises: beat outlives its servers."""
        try:
            self._turn()
        except (DatabaseError, InterfaceError) as error:
            self._note_trouble(f"the database: {error}")
        except Exception:
            # The loop must go on, whatever one turn met.
            logger.exception("Beat met an unexpected error and goes on")
            self._forget()
        else:
            self._note_recovery()
            return self._until_next_due()
        return 1.0

    def _turn(self) -> None:
        # First what is due, then what is merely regular.
        if self._epoch is not None:
            self._open_due(timezone.now())
        if self._is_time("lease", _LEASE_S):
            self._renew_lease()
        if self._epoch is None:
            return
        if self._is_time("rows", _READ_S):
            self._read_rows(timezone.now())
            self._open_due(timezone.now())
        self._send_ticks(timezone.now())
        if self._is_time("sweep", _SWEEP_S):
            ledger.release_expired()
        if self._is_time("owed", _LEASE_S):
            ledger.send_owed()

    def _is_time(self, doing: str, period: float) -> bool:
        now = time.monotonic()
        if now - self._done_at.get(doing, -period) < period:
            return False
        self._done_at[doing] = now
        return True

    def _renew_lease(self) -> None:
        epoch = beat.take_lease(self._holder)
        if epoch != self._epoch:
            logger.warning("Beat %s %s", self._holder, f"leads, epoch {epoch}" if epoch else "stands by")
            # Another beat may have opened slots meanwhile: remember nothing.
            self._slots, self._ticks = beat.SlotBook(), beat.TickBook()
            self._done_at.pop("rows", None)
        self._epoch = epoch

    def _read_rows(self, now: datetime) -> None:
        rows = read_schedule_rows()
        self._slots.read(rows, beat.last_slots(now), now)
        self._ticks.read(rows, now)
        for name in self._slots.clamped:
            logger.error("Job %s said it last ran in the future; set to now", name)
            PeriodicTask.objects.filter(name=name, last_run_at__gt=now).update(last_run_at=now)
        self._slots.clamped.clear()
        faults = schedule_faults(rows)
        for name, fault in faults.items():
            if self._faults.get(name) != fault:
                logger.error("Schedule row %s: %s", name, fault)
        self._faults = faults

    def _open_due(self, now: datetime) -> None:
        due = self._slots.next_due()
        if due is None or due > now or self._epoch is None:
            return
        opened = ledger.open_slots(self._slots.due(now), holder=self._holder, epoch=self._epoch)
        self._slots.dealt_with(now)
        ledger.publish(opened)

    def _send_ticks(self, now: datetime) -> None:
        due = self._ticks.take_due(now)
        waiting = broker.depth() if due else None
        if waiting is None or waiting >= _FULL:
            return
        for task, worthless_at in due:
            try:
                broker.send(task, {}, expires=worthless_at)
            except broker.UnableToSend as error:
                logger.warning("%s It comes again.", error)
                return

    def _until_next_due(self) -> float:
        if self._epoch is None:
            return 1.0
        dues = [due for due in (self._slots.next_due(), self._ticks.next_due()) if due is not None]
        soonest = min(dues, default=timezone.now() + timedelta(seconds=1))
        return min(max((soonest - timezone.now()).total_seconds(), 0.0), 1.0)

    def _note_trouble(self, trouble: str) -> None:
        if not self._trouble:
            logger.error("Beat cannot reach %s", trouble.strip())
        self._trouble = trouble
        self._forget()

    def _note_recovery(self) -> None:
        if self._trouble:
            logger.warning("Beat goes on after trouble with %s", self._trouble.strip())
            self._trouble = ""

    def _forget(self) -> None:
        # Whether the last statement was committed is not known: make the book anew from the ledger.
        connections.close_all()
        self._epoch = None
        self._done_at.clear()

    def sync(self) -> None:
        """Nothing: what was opened is in the ledger already."""

    def close(self) -> None:
        """Gives the lease up and lets the broker go."""
        try:
            if self._epoch is not None:
                beat.release_lease(self._holder)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("Beat leaves without giving up its lease: %s", error)
        self._epoch = None
        super().close()
