"""How an SLO's budget went, for its page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from monitoring.domain.budget_chart import BudgetChart, BudgetPoint, budget_chart
from monitoring.domain.windows import Window
from monitoring.models import Slo

_POINTS = 200
_LINES = 14
# The last evaluation of each step.
_SQL = """
    SELECT DISTINCT ON (step) date_bin(%(step)s, at, %(start)s) AS step, at, sli, remaining_s, budget_s,
           coverage, standing
    FROM slo_evaluations WHERE slo_id = %(slo)s AND at >= %(start)s AND at <= %(end)s
    ORDER BY step, at DESC
"""


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """One evaluation, as a line of the table behind the chart."""

    at: datetime
    sli: float | None
    remaining_s: float | None
    budget_s: float | None
    coverage: float
    standing: str

    @property
    def remaining_pct(self) -> float | None:
        """What is left, in percent of the budget."""
        if self.remaining_s is None or not self.budget_s:
            return None
        return 100 * self.remaining_s / self.budget_s


@dataclass(frozen=True, slots=True)
class BudgetHistory:
    """The chart, and the table behind it: the newest first."""

    window: Window
    chart: BudgetChart
    lines: tuple[BudgetLine, ...]


def _line(row: Sequence[Any]) -> BudgetLine:
    at, sli, remaining_s, budget_s, coverage, standing = row
    return BudgetLine(at, sli, remaining_s, budget_s, coverage, standing.replace("_", " "))


def budget_history(slo: Slo, *, now: datetime) -> BudgetHistory:
    """The budget over the past days of the SLO's own period. One query."""
    window = Window(slo.terms.period.window(now).start, now)
    step = window.duration / _POINTS
    with connection.cursor() as cursor:
        arguments: dict[str, Any] = {"step": step, "start": window.start, "end": window.end, "slo": slo.pk}
        cursor.execute(_SQL, arguments)
        found = [_line(row[1:]) for row in cursor.fetchall()]
    chart = budget_chart(
        [BudgetPoint(line.at, line.remaining_pct) for line in found],
        window,
        width=720,
        height=160,
        gap=max(2 * step, timedelta(minutes=11)),
    )
    every = max(len(found) // _LINES, 1)
    return BudgetHistory(window, chart, tuple(reversed(found))[::every])
