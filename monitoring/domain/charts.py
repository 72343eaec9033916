"""Charts as SVG text: no script, no outside file, so that they print and can be kept.

What nobody observed is drawn as absence: a hatched cell, a gap in the line, a hollow bar. Colour is never
alone: each chart says in words what it shows, and marks have titles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from html import escape

from monitoring.domain.costs import CostDay
from monitoring.domain.day_readings import DayStanding
from monitoring.domain.figures import dollars
from monitoring.domain.strips import Stretch, TimeState

WIDTH = 672
_PLOT_HEIGHT = 96
_TOP = 14
_GOOD, _BAD, _FAIR, _LINE, _EXCLUDED = "#1a7f4b", "#c4281c", "#a06a00", "#2f62d0", "#8fa3bf"
_HATCH = "url(#unseen)"
_STATE_LOOKS = {
    TimeState.UP: (_GOOD, 5, 12),
    TimeState.DOWN: (_BAD, 0, 22),
    TimeState.EXCLUDED: (_EXCLUDED, 3, 16),
    TimeState.UNKNOWN: (_HATCH, 3, 16),
}
_DAY_LOOKS = {
    DayStanding.SERVED: (_GOOD, "#fff", "\u2713"),
    DayStanding.PAUSED: (_FAIR, "#fff", "II"),
    DayStanding.BAD: (_BAD, "#fff", "\u2715"),
    DayStanding.UNOBSERVED: (_HATCH, "currentColor", "?"),
}
# Its own copy in each chart: a chart may be cut out of its page.
_DEFS = (
    '<defs><pattern id="unseen" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<path d="M0 6 6 0" stroke="#8a94a6" stroke-width="1.4"/></pattern></defs>'
)


def _svg(height: int, words: str, marks: Iterable[str], *, width: int = WIDTH) -> str:
    text = escape(words)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" role="img" aria-label="{text}" font-family="system-ui, sans-serif" font-size="11">'
        f"<title>{text}</title>{_DEFS}{''.join(marks)}</svg>"
    )


def _text(x: float, y: float, words: str, *, anchor: str = "start", fill: str = "currentColor") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}">{escape(words)}</text>'


def strip_chart(stretches: Sequence[Stretch], *, words: str) -> str:
    """An uptime strip, oldest first, over its full width."""
    cells = sum(stretch.cells for stretch in stretches)
    if not cells:
        return _svg(22, words, [_text(4, 15, "no data")])
    step = WIDTH / cells
    marks = []
    for one in stretches:
        fill, y, height = _STATE_LOOKS[one.state]
        marks.append(
            f'<rect x="{one.first * step:.2f}" y="{y}" width="{one.cells * step:.2f}" height="{height}"'
            f' fill="{fill}"><title>{one.state.value}</title></rect>'
        )
    return _svg(22, words, marks)


def line_chart(
    points: Sequence[tuple[datetime, float | None]], *, words: str, unit: str, limit: float | None = None
) -> str:
    """A line over time with its greatest value; None breaks it. `limit` is a dashed line."""
    known = [value for _, value in points if value is not None]
    height = _PLOT_HEIGHT + _TOP + 16
    if not known:
        return _svg(height, words, [_text(4, height / 2, "no data")])
    top = max(*known, limit or 0.0, 1e-9)
    step = WIDTH / max(len(points) - 1, 1)

    def place(number: int, value: float) -> str:
        return f"{number * step:.1f},{_TOP + _PLOT_HEIGHT * (1 - value / top):.1f}"

    marks = [f'<path d="M0 {_TOP + _PLOT_HEIGHT}H{WIDTH}" stroke="currentColor" stroke-opacity=".35"/>']
    for run in _runs(points):
        path = " ".join(place(number, value) for number, value in run)
        if len(run) == 1:
            cx, cy = path.split(",")
            marks.append(f'<circle cx="{cx}" cy="{cy}" r="2" fill="{_LINE}"/>')
        else:
            marks.append(f'<polyline points="{path}" fill="none" stroke="{_LINE}" stroke-width="1.6"/>')
    if limit is not None:
        y = _TOP + _PLOT_HEIGHT * (1 - limit / top)
        marks.append(f'<path d="M0 {y:.1f}H{WIDTH}" stroke="{_BAD}" stroke-dasharray="5 4"/>')
        marks.append(_text(WIDTH, y - 3, f"limit {limit:g} {unit}", anchor="end", fill=_BAD))
    marks.append(_text(0, 10, f"greatest {max(known):.4g} {unit}"))
    marks += _edges(points[0][0], points[-1][0], height)
    return _svg(height, words, marks)


def _runs(points: Sequence[tuple[datetime, float | None]]) -> list[list[tuple[int, float]]]:
    """The stretches without a gap."""
    runs: list[list[tuple[int, float]]] = [[]]
    for number, (_, value) in enumerate(points):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((number, value))
    return [run for run in runs if run]


def _edges(first: datetime, last: datetime, height: int) -> list[str]:
    return [
        _text(0, height - 3, f"{first.astimezone(UTC):%d %b %H:%M}"),
        _text(WIDTH, height - 3, f"{last.astimezone(UTC):%d %b %H:%M} UTC", anchor="end"),
    ]


def cost_chart(days: Sequence[CostDay], *, words: str, limit: Decimal | None) -> str:
    """A bar a day; a day without an entry is hatched, one above the limit red, one all estimated paler."""
    height = _PLOT_HEIGHT + _TOP + 16
    if not days:
        return _svg(height, words, [_text(4, height / 2, "no data")])
    totals = [day.total for day in days if day.total is not None]
    top = max([*totals, limit or Decimal(0), Decimal("0.01")])
    step = WIDTH / len(days)
    marks = []
    for number, day in enumerate(days):
        share = float(day.total / top) if day.total is not None else 1.0
        marks.append(_bar(number * step, step, share, day, limit))
        marks.append(_text((number + 0.5) * step, height - 3, f"{day.day:%d %b}", anchor="middle"))
    if limit is not None:
        y = _TOP + _PLOT_HEIGHT * (1 - float(limit / top))
        marks.append(f'<path d="M0 {y:.1f}H{WIDTH}" stroke="{_BAD}" stroke-dasharray="5 4"/>')
        marks.append(_text(WIDTH, y - 3, f"limit {dollars(limit)}", anchor="end", fill=_BAD))
    return _svg(height, words, marks)


def _bar(x: float, step: float, share: float, day: CostDay, limit: Decimal | None) -> str:
    dear = day.total is not None and limit is not None and day.total > limit
    fill = _HATCH if day.total is None else _BAD if dear else _LINE
    told = "no entry" if day.total is None else dollars(day.total)
    told += (" (all estimated)" if day.all_estimated else "") + ("" if day.completed else " so far")
    height = _PLOT_HEIGHT * share
    pale = ' fill-opacity=".55"' if day.all_estimated or not day.completed else ""
    return (
        f'<rect x="{x + step * 0.2:.1f}" y="{_TOP + _PLOT_HEIGHT - height:.1f}" width="{step * 0.6:.1f}"'
        f' height="{height:.1f}" fill="{fill}"{pale}><title>{day.day.isoformat()}: {told}</title></rect>'
    )


def calendar_chart(days: Mapping[date, DayStanding], *, words: str) -> str:
    """A cell a day, in weeks from Monday, each with its day of the month and a symbol."""
    if not days:
        return _svg(30, words, [_text(4, 18, "no data")])
    ordered = sorted(days)
    monday = ordered[0].toordinal() - ordered[0].weekday()
    weeks = (ordered[-1].toordinal() - monday) // 7 + 1
    marks = [
        _text(number * 48 + 23, 11, name, anchor="middle")
        for number, name in enumerate(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))
    ]
    for day in ordered:
        week, column = divmod(day.toordinal() - monday, 7)
        fill, ink, symbol = _DAY_LOOKS[days[day]]
        x, y = column * 48, 18 + week * 40
        marks.append(
            f'<g><title>{day.isoformat()}: {days[day].value}</title><rect x="{x}" y="{y}" width="46" height="38"'
            f' rx="5" fill="{fill}"/>{_text(x + 6, y + 14, str(day.day), fill=ink)}'
            f"{_text(x + 23, y + 31, symbol, anchor='middle', fill=ink)}</g>"
        )
    return _svg(18 + weeks * 40, words, marks, width=7 * 48)
