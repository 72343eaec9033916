"""Where a job's work is found: registered beside its tasks, looked up by the job's key.

A job of any app says `@job_work("intelligence_cycle")` over a function `(run) -> JobResult` in its `tasks`
module; nobody here imports it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from monitoring.domain.runs import JobResult
from monitoring.jobs import JOBS
from monitoring.models import JobRun

WorkFunction: TypeAlias = Callable[[JobRun], JobResult]


@dataclass(frozen=True, slots=True)
class Work:
    """A job's work. An `atomic` one shares one transaction with the note that it is done."""

    function: WorkFunction
    atomic: bool


_WORK: dict[str, Work] = {}


def job_work(key: str, *, atomic: bool = True) -> Callable[[WorkFunction], WorkFunction]:
    """Registers the decorated function as the work of job `key`.

    With `atomic` its effects and the end of its run are committed together, so that a run has one effect
    whatever is killed. Work that calls the outside is not atomic: it opens its own transactions, and must
    bear being done again.

    Raises:
        LookupError: when there is no such job, or it has work already.
    """

    def register(function: WorkFunction) -> WorkFunction:
        if key not in JOBS:
            raise LookupError(f"There is no job {key!r}; the jobs are: {', '.join(JOBS)}.")
        if key in _WORK and _WORK[key].function.__qualname__ != function.__qualname__:
            raise LookupError(f"Job {key} has its work already: {_WORK[key].function.__qualname__}.")
        _WORK[key] = Work(function, atomic)
        return function

    return register


def work_of(key: str) -> Work | None:
    """The registered work of job `key`, or None while it is not built."""
    return _WORK.get(key)
