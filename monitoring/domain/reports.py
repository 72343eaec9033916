"""A burn-in report: what stands in it, and how it reads as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from monitoring.domain.costs import CostDay
from monitoring.domain.day_readings import DayStanding
from monitoring.domain.figures import clock_text, counted, dollars
from monitoring.domain.strips import Stretch, TimeState
from monitoring.domain.uptime import Uptime, format_percent
from monitoring.domain.verdict_text import escaped, render_markdown
from monitoring.domain.verdicts import Verdict
from monitoring.domain.windows import Window

# One cell of a strip in text.
_CELLS = {TimeState.UP: "▁", TimeState.DOWN: "█", TimeState.EXCLUDED: "–", TimeState.UNKNOWN: "?"}
_BLOCKS = "▁▂▃▄▅▆▇█"
_DAYS = {
    DayStanding.SERVED: "✓",
    DayStanding.PAUSED: "‖",
    DayStanding.BAD: "✕",
    DayStanding.UNOBSERVED: "?",
}
_TEXT_CELLS = 84


@dataclass(frozen=True, slots=True)
class EndpointWeek:
    """One endpoint over the window. `outages` counts the confirmed ones."""

    name: str
    critical: bool
    week: Uptime
    strip: tuple[Stretch, ...]
    outages: int

    @property
    def uptime_text(self) -> str:
        """The likely uptime, floored; `no data` without one."""
        band = self.week.uptime
        return "no data" if band is None else f"{format_percent(band.likely, 3)} %"

    @property
    def words(self) -> str:
        """What its strip shows."""
        return f"{self.name}: uptime {self.uptime_text}, {counted(self.outages, 'outage')}"


@dataclass(frozen=True, slots=True)
class HourPoint:
    """One hour of all observations together; None where there was none, or none was answered."""

    at: datetime
    error_percent: float | None
    latency_ms: float | None


@dataclass(frozen=True, slots=True)
class LogLine:
    """One entry of the ops log."""

    at: datetime
    kind: str
    actor: str
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything one report shows, as it was at `at`. Limits are those of the policy."""

    at: datetime
    burn_in: str
    stage: str
    review_at: datetime | None
    window: Window
    verdict: Verdict
    endpoints: tuple[EndpointWeek, ...]
    hours: tuple[HourPoint, ...]
    error_limit: float | None
    costs: tuple[CostDay, ...]
    cost_limit: Decimal | None
    api_days: Mapping[date, DayStanding]
    log: tuple[LogLine, ...]

    @property
    def title(self) -> str:
        """`Burn-in report: NAME, 18 Nov 2025`."""
        return f"Burn-in report: {self.burn_in}, {self.at.astimezone(UTC):%d %b %Y}"


def report_markdown(report: Report) -> str:
    """The report as Markdown, its charts as lines of characters."""
    lines = [f"# {escaped(report.title)}", "", f"{escaped(report.stage)} As of {clock_text(report.at)}.", ""]
    lines.append(render_markdown(report.verdict).replace("\n## ", "\n### ").replace("# ", "## ", 1))
    lines += ["## Uptime by endpoint", ""]
    lines.append(f"{clock_text(report.window.start)} to {clock_text(report.window.end)}.")
    lines += ["▁ up, █ down, – maintenance, ? not observed.", ""]
    lines += ["| Endpoint | Critical | Uptime | Outages | Strip |", "|---|---|---:|---:|---|"]
    for one in report.endpoints:
        critical = "yes" if one.critical else "no"
        strip = strip_text(one.strip)
        lines.append(f"| {escaped(one.name)} | {critical} | {one.uptime_text} | {one.outages} | `{strip}` |")
    errors = [(point.error_percent) for point in report.hours]
    latencies = [(point.latency_ms) for point in report.hours]
    lines += ["", "## Error rate by hour", "", *_series_lines(errors, "%")]
    lines += ["", "## Latency by hour", "", *_series_lines(latencies, "ms")]
    lines += ["", "## Cost by day", "", "| UTC day | Cost |", "|---|---:|"]
    lines += [f"| {day.day.isoformat()} | {cost_text(day)} |" for day in report.costs]
    lines += ["", "## Intelligence API days", "", "✓ served, ‖ paused, ✕ bad, ? not observed.", ""]
    lines += [f"- {day.isoformat()} {_DAYS[one]} {one.value}" for day, one in sorted(report.api_days.items())]
    lines += ["", "## Ops log", ""]
    for entry in report.log:
        told = escaped(entry.text)
        lines.append(f"- {clock_text(entry.at)} **{entry.kind}** by {escaped(entry.actor)}: {told}")
    lines += [] if report.log else ["No entry yet."]
    return "\n".join(lines) + "\n"


def cost_text(day: CostDay) -> str:
    """What one day cost, and how far that is known."""
    if day.total is None:
        return "no entry"
    marks = (" (all estimated)" if day.all_estimated else "") + ("" if day.completed else " so far")
    return dollars(day.total) + marks


def strip_text(stretches: Sequence[Stretch]) -> str:
    """At most so many characters; each is the gravest of the cells it stands for."""
    cells = [stretch.state for stretch in stretches for _ in range(stretch.cells)]
    size = max(1, -(-len(cells) // _TEXT_CELLS))
    grave = (TimeState.DOWN, TimeState.UNKNOWN, TimeState.EXCLUDED, TimeState.UP)
    groups = (set(cells[start : start + size]) for start in range(0, len(cells), size))
    return "".join(_CELLS[next(state for state in grave if state in group)] for group in groups)


def _series_lines(values: Iterable[float | None], unit: str) -> list[str]:
    """The line as blocks, two hours a block, with its greatest value; a gap is a question mark."""
    kept = list(values)
    known = [value for value in kept if value is not None]
    if not known:
        return ["No data."]
    top = max(known)
    blocks = []
    for start in range(0, len(kept), 2):
        pair = [value for value in kept[start : start + 2] if value is not None]
        blocks.append(_block(max(pair), top) if pair else "?")
    return [
        f"`{''.join(blocks)}`",
        "",
        f"Greatest {top:.4g} {unit}, over {counted(len(known), 'observed hour')}.",
    ]


def _block(value: float, top: float) -> str:
    return _BLOCKS[round(value / top * (len(_BLOCKS) - 1))] if top else _BLOCKS[0]
