"""The line of an error budget over time, as coordinates of a drawing. Gaps of knowledge are gaps of the line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitoring.domain.windows import Window

# Less than this is drawn at the bottom: how deep a budget is overspent, the table says.
LEAST_PCT = -100.0
MOST_PCT = 100.0


@dataclass(frozen=True, slots=True)
class BudgetPoint:
    """How much of the budget was left at a moment, in percent; None where nothing was known."""

    at: datetime
    remaining_pct: float | None


@dataclass(frozen=True, slots=True)
class BudgetChart:
    """`lines` are the points of one unbroken stretch each, as an SVG polyline takes them."""

    width: int
    height: int
    lines: tuple[str, ...]
    zero_y: float


def budget_chart(
    points: Sequence[BudgetPoint], window: Window, *, width: int, height: int, gap: timedelta
) -> BudgetChart:
    """Return the drawing of `points`, oldest first, over `window`; what lies `gap` apart is not joined."""
    lines: list[list[str]] = []
    before: datetime | None = None
    for point in points:
        if point.remaining_pct is None or not window.start <= point.at <= window.end:
            before = None
            continue
        if before is None or point.at - before > gap:
            lines.append([])
        x = width * ((point.at - window.start) / window.duration)
        lines[-1].append(f"{x:.1f},{_height(point.remaining_pct, height):.1f}")
        before = point.at
    # A single point is drawn as a dash of a pixel.
    drawn = [line if len(line) > 1 else [line[0], _beside(line[0])] for line in lines]
    return BudgetChart(width, height, tuple(" ".join(line) for line in drawn), _height(0, height))


def _height(percent: float, height: int) -> float:
    inside = min(max(percent, LEAST_PCT), MOST_PCT)
    return height * (MOST_PCT - inside) / (MOST_PCT - LEAST_PCT)


def _beside(point: str) -> str:
    x, y = point.split(",")
    return f"{float(x) + 1:.1f},{y}"
