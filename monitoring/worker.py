"""What runs beside the tasks in each Celery worker: its heartbeat and its sweeper, in one thread.

A thread and not a task, so that a full queue does not look like a dead worker, and so that owed runs are
sent again even while no beat lives.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from typing import Any

from celery import signals
from django.db import DatabaseError, InterfaceError, connections

from monitoring.services import heartbeats, ledger

logger = logging.getLogger(__name__)

PERIOD_S = 5.0
_ended = threading.Event()
_threads: list[threading.Thread] = []


def worker_name() -> str:
    """The name of this worker process in the heartbeats."""
    return f"{socket.gethostname()}:{os.getpid()}"


@signals.worker_ready.connect(dispatch_uid="monitoring.worker.start")
def start(**kwargs: Any) -> None:
    """Starts the thread once the worker takes messages."""
    _ended.clear()
    thread = threading.Thread(target=_live, name="heartbeat", daemon=True)
    _threads.append(thread)
    thread.start()


@signals.worker_shutdown.connect(dispatch_uid="monitoring.worker.stop")
def stop(**kwargs: Any) -> None:
    """Ends the thread and takes the worker off the list."""
    _ended.set()
    while _threads:
        _threads.pop().join(timeout=5)


def _live() -> None:
    name, troubled = worker_name(), False
    while True:
        try:
            heartbeats.beat_of(name)
            ledger.sweep()
            troubled = False
        except (DatabaseError, InterfaceError) as error:
            if not troubled:
                logger.error("Unable to write the worker's heartbeat: %s", error)  # noqa: TRY400  said in a line
            troubled = True
        finally:
            # Not kept open: a pool child forked meanwhile would inherit the socket.
            connections.close_all()
        if _ended.wait(PERIOD_S):
            break
    try:
        heartbeats.leave(name)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("Unable to take the worker off the list: %s", error)
    finally:
        connections.close_all()
