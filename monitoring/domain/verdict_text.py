"""The verdict as text: a table for a terminal and a Markdown page, from the same dataclass.

Texts that were typed by people (incident titles, subsystem names) are stripped of control characters, and in
Markdown of everything that would be markup.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from decimal import Decimal

from monitoring.domain.figures import clock_text, coverage_text, dollars, exact, floored, raised
from monitoring.domain.gates import GATE_TITLES, TRIGGER_TITLES
from monitoring.domain.policy import GateKey, WindowKind
from monitoring.domain.verdicts import Decision, Reading, Trigger, Verdict

WIDTH = 96
_MARK_WIDTH = len("NOT KNOWN ")
_COLUMNS = (("Gate", 22), ("Value", 12), ("Limit", 12), ("Standing", 10), ("Coverage", 10), ("Samples", 10))
_MARKUP = re.compile(r"([\\`*_\[\]<|~])")


def render_table(verdict: Verdict) -> str:
    """The verdict for a terminal, at most 96 columns wide, ending in a line break."""
    lines = [headline(verdict), _facts_line(verdict), criteria_line(verdict), ""]
    lines.append(_row(name for name, _ in _COLUMNS))
    lines.append(_row("-" * width for _, width in _COLUMNS))
    lines += [_row(gate_cells(reading)) for reading in verdict.gates]
    if verdict.reasons:
        lines += ["", f"Why it is {verdict.decision}"]
        for number, reason in enumerate(verdict.reasons, start=1):
            lines += _wrapped(reason, f"  {number}. ")
    lines += ["", "Triggers"]
    for trigger in verdict.triggers:
        lines += _wrapped(
            f"{TRIGGER_TITLES[trigger.key]}: {trigger.explanation}", f"  {_mark(trigger):<{_MARK_WIDTH}}"
        )
    lines += ["", "Readings"]
    for reading in verdict.gates:
        lead = f"  {GATE_TITLES[reading.key]}: "
        lines += _wrapped(reading.explanation, lead, hang=4)
        lines += _wrapped(reading.demonstrated, "    ") if reading.demonstrated else []
    return "\n".join(line.rstrip() for line in lines) + "\n"


def render_markdown(verdict: Verdict) -> str:
    """The verdict as a Markdown page, for Notion, Slack and reports, ending in a line break."""
    lines = [f"# {escaped(headline(verdict))}", "", escaped(_facts_line(verdict)), ""]
    lines += [f"**{criteria_line(verdict)}**", ""]
    lines.append("| Gate | Value | Limit | Standing | Coverage | Samples | Explanation |")
    lines.append("|---|---:|---:|---|---:|---:|---|")
    for reading in verdict.gates:
        words = [reading.explanation, reading.demonstrated or ""]
        cells = (*gate_cells(reading), " ".join(words).strip())
        lines.append(f"| {' | '.join(escaped(cell) for cell in cells)} |")
    lines += ["", "## Triggers", ""]
    for trigger in verdict.triggers:
        told = escaped(f"{TRIGGER_TITLES[trigger.key]}: {trigger.explanation}")
        lines.append(f"- **{_mark(trigger)}** {told}")
    if verdict.reasons:
        lines += ["", f"## Why it is {verdict.decision}", ""]
        lines += [f"{number}. {escaped(reason)}" for number, reason in enumerate(verdict.reasons, start=1)]
    return "\n".join(lines) + "\n"


def render_other_window(kind: WindowKind, verdict: Verdict) -> str:
    """How the gates read over the window that does not decide, in a few lines."""
    name = "the burn-in's own window" if kind is WindowKind.BURN_IN else "the trailing window"
    lines = [
        "",
        f"Not deciding: {name}, {clock_text(verdict.window.start)} to {clock_text(verdict.window.end)}:",
        f"  {verdict.decision}. {criteria_line(verdict)}",
    ]
    lines += [
        f"  {GATE_TITLES[reading.key]}: {reading.standing}"
        + (f", {shown_value(reading.key, reading.value)}" if reading.value is not None else "")
        for reading in verdict.gates
    ]
    return "\n".join(lines) + "\n"


def headline(verdict: Verdict) -> str:
    """The decision in one line that cannot be misread."""
    if verdict.decision is Decision.GO:
        return "GO: all five gates are proven and no trigger fired"
    if verdict.conclusive:
        return "NO-GO: something that was observed speaks against it"
    return "NO-GO for lack of evidence: nothing observed speaks against it, but it is not proven"


def criteria_line(verdict: Verdict) -> str:
    """How many gates are within and how many proven."""
    total = len(GateKey)
    return f"Criteria met: {verdict.within}/{total} (proven {verdict.proven}/{total})"


def _facts_line(verdict: Verdict) -> str:
    window = f"{clock_text(verdict.window.start)} to {clock_text(verdict.window.end)}"
    return f"Judged {clock_text(verdict.judged_at)} by policy {verdict.policy_version}, window {window}"


def gate_cells(reading: Reading) -> tuple[str, ...]:
    """Title, value, limit, standing, coverage and samples of a gate, as text."""
    return (
        GATE_TITLES[reading.key],
        shown_value(reading.key, reading.value) if reading.value is not None else "-",
        _shown_limit(reading),
        reading.standing.value,
        "-" if reading.coverage is None else coverage_text(reading.coverage),
        f"{reading.samples:,}",
    )


def shown_value(key: GateKey, value: float) -> str:
    """A gate's value with its unit, rounded against it: uptime downwards, error rate and cost upwards."""
    if key is GateKey.UPTIME:
        return f"{floored(value, 3)} %"
    if key is GateKey.ERROR_RATE:
        return f"{raised(value, 3)} %"
    return dollars(value) if key is GateKey.DAILY_COST else f"{value:.0f}"


def _shown_limit(reading: Reading) -> str:
    if reading.limit is None:
        return "-"
    least = reading.key in (GateKey.UPTIME, GateKey.INTELLIGENCE_API_DAYS)
    number = f"{Decimal(exact(reading.limit)).normalize():f}"
    text = {"%": f"{number} %", "USD": dollars(reading.limit)}.get(reading.unit, number)
    return f"{'>=' if least else '<='} {text}"


def _mark(trigger: Trigger) -> str:
    if trigger.fired:
        return "FIRED"
    return "quiet" if trigger.observed else "NOT KNOWN"


def _row(cells: Iterable[str]) -> str:
    return "  ".join(f"{cell:<{width}}" for cell, (_, width) in zip(cells, _COLUMNS, strict=True))


def _plain(text: str) -> str:
    """One line without control characters, so that a title cannot move the cursor or forge a line."""
    joined = " ".join(text.split())
    return "".join(letter if letter.isprintable() else "?" for letter in joined)


def _wrapped(text: str, lead: str, hang: int | None = None) -> list[str]:
    """Lines of at most `WIDTH`, the first after `lead`, the others under the text or `hang` columns in."""
    indent = " " * (len(lead) if hang is None else hang)
    return textwrap.wrap(
        _plain(text), WIDTH, initial_indent=lead, subsequent_indent=indent, break_on_hyphens=False
    )


def escaped(text: str) -> str:
    """`text` on one line, with nothing in it that Markdown would read as markup."""
    return _MARKUP.sub(r"\\\1", _plain(text))
