"""Is the portal well? Answered within a second whatever has died.

The database is asked by a thread of its own, whose connection may hang as long as it likes: whoever asks
waits for a bounded time, and a second asker waits for the same answer instead of a second one.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Event, Lock, Thread
from time import monotonic

from django.db import Error, connection
from django.utils import timezone

from monitoring.clients import broker
from monitoring.domain.liveness import Parts, PartState
from monitoring.services.liveness import Sign, liveness
from tenancy.services.isolation import isolation_faults

logger = logging.getLogger(__name__)

ANSWER_WITHIN_S = 0.8
_BROKER_TIMEOUT_S = 0.25
# A thread that has hung for so long is left to itself and replaced.
_LOST_AFTER_S = 30.0
# Grants and policies change with migrations only.
_ISOLATION_HOLDS_S = 60.0


@dataclass(frozen=True, slots=True)
class DatabaseSays:
    """What the database said: is it well, and when were beat and a worker last heard."""

    database: PartState
    beat: PartState = PartState.UNKNOWN
    worker: PartState = PartState.UNKNOWN


_SILENCE = DatabaseSays(PartState.NO_ANSWER)


@dataclass(slots=True)
class _Question:
    asked_at: float
    answered: Event = field(default_factory=Event)
    answer: DatabaseSays = _SILENCE


class DatabaseWatch:
    """Asks the database from a thread of its own."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._questions: SimpleQueue[_Question | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._open: _Question | None = None
        self._isolated_until = 0.0

    def ask(self) -> _Question:
        """This will put the question, unless it is already being asked."""
        now = monotonic()
        with self._lock:
            asking = self._open
            waiting = asking is not None and not asking.answered.is_set()
            lost = waiting and asking is not None and now - asking.asked_at > _LOST_AFTER_S
            if self._thread is None or not self._thread.is_alive() or lost:
                self._questions = SimpleQueue()
                self._thread = Thread(
                    target=self._answer, args=(self._questions,), name="database-watch", daemon=True
                )
                self._thread.start()
                asking = None
                waiting = False
            if asking is None or not waiting:
                self._open = asking = _Question(now)
                self._questions.put(asking)
            return asking

    def stop(self) -> None:
        """This will end the thread and close its connection."""
        with self._lock:
            thread, self._thread, self._open = self._thread, None, None
            self._questions.put(None)
        if thread is not None:
            thread.join(5)

    def _answer(self, questions: SimpleQueue[_Question | None]) -> None:
        try:
            while (question := questions.get()) is not None:
                question.answer = self._read()
                question.answered.set()
        finally:
            connection.close()

    def _read(self) -> DatabaseSays:
        try:
            return self._read_once()
        except Error:
            # The connection may be one from before a restart: a second one tells that from an outage.
            connection.close()
        try:
            return self._read_once()
        except Error as error:
            logger.warning("The database does not answer: %s", error)
            connection.close()
            return _SILENCE

    def _read_once(self) -> DatabaseSays:
        signs = liveness(timezone.now())
        beat = _part(signs.beat, signs.beat_age_s)
        worker = _part(signs.worker, signs.worker_age_s)
        if monotonic() > self._isolated_until:
            faults = isolation_faults(connection)
            if faults:
                logger.error("Tenants are not kept apart: %s", " ".join(faults))
                return DatabaseSays(PartState.NOT_ISOLATED, beat, worker)
            self._isolated_until = monotonic() + _ISOLATION_HOLDS_S
        return DatabaseSays(PartState.OK, beat, worker)


database_watch = DatabaseWatch()


def read_parts() -> Parts:
    """How the portal's parts stand now. Takes a millisecond or two when all is well, never a second."""
    question = database_watch.ask()
    broker = _ask_broker()
    question.answered.wait(max(0.0, question.asked_at + ANSWER_WITHIN_S - monotonic()))
    says = question.answer
    return Parts(says.database, broker, says.beat, says.worker)


def _part(sign: Sign, age_s: float | None) -> PartState:
    if sign is Sign.SILENT:
        return PartState.NOT_SEEN if age_s is None else PartState.SILENT
    return PartState.LATE if sign is Sign.LATE else PartState.OK


def _ask_broker() -> PartState:
    # Twice: the pooled connection may be one from before a restart.
    answered = any(broker.answers(timeout=_BROKER_TIMEOUT_S) for _ in range(2))
    return PartState.OK if answered else PartState.NO_ANSWER
