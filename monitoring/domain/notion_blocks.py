"""A burn-in report as blocks of a Notion page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from monitoring.domain.figures import clock_text
from monitoring.domain.gates import TRIGGER_TITLES
from monitoring.domain.reports import Report, cost_text, strip_text
from monitoring.domain.verdict_text import criteria_line, gate_cells, headline

Block: TypeAlias = dict[str, Any]
# Notion's own limits: of one text, and of the blocks of one call or the rows of one table.
LONGEST_TEXT = 2000
MOST_BLOCKS = 100


def report_blocks(report: Report) -> list[Block]:
    """The page from top to bottom: the decision, gates, triggers, endpoints, costs, the ops log."""
    verdict = report.verdict
    blocks = [
        _block("callout", headline(verdict)),
        _block("paragraph", f"{report.stage} {criteria_line(verdict)}. As of {clock_text(report.at)}."),
        _block("heading_2", "Gates"),
        _table(
            ("Gate", "Value", "Limit", "Standing", "Coverage", "Samples", "Explanation"),
            [(*gate_cells(reading), reading.explanation) for reading in verdict.gates],
        ),
        _block("heading_2", "Triggers"),
    ]
    for trigger in verdict.triggers:
        mark = "FIRED" if trigger.fired else "quiet" if trigger.observed else "NOT KNOWN"
        text = f"{mark} {TRIGGER_TITLES[trigger.key]}: {trigger.explanation}"
        blocks.append(_block("bulleted_list_item", text))
    if verdict.reasons:
        blocks.append(_block("heading_2", f"Why it is {verdict.decision}"))
        blocks += [_block("numbered_list_item", reason) for reason in verdict.reasons]
    blocks.append(_block("heading_2", "Uptime by endpoint, past 7 days"))
    blocks.append(
        _table(
            ("Endpoint", "Uptime", "Outages", "Strip"),
            [
                (one.name, one.uptime_text, str(one.outages), strip_text(one.strip))
                for one in report.endpoints[: MOST_BLOCKS - 1]
            ],
        )
    )
    blocks.append(_block("heading_2", "Cost by UTC day"))
    costs = [(day.day.isoformat(), cost_text(day)) for day in report.costs]
    blocks.append(_table(("Day", "Cost"), costs))
    blocks.append(_block("heading_2", "Ops log"))
    blocks += [
        _block("bulleted_list_item", f"{clock_text(line.at)} {line.kind}, {line.actor}: {line.text}")
        for line in report.log[:10]
    ]
    return blocks


def _text(words: str) -> list[Block]:
    return [{"type": "text", "text": {"content": words[:LONGEST_TEXT]}}]


def _block(kind: str, words: str) -> Block:
    return {"object": "block", "type": kind, kind: {"rich_text": _text(words)}}


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Block:
    cells = [header, *rows]
    return {
        "object": "block",
        "type": "table",
        "table": {
            "table_width": len(header),
            "has_column_header": True,
            "has_row_header": False,
            "children": [
                {"type": "table_row", "table_row": {"cells": [_text(cell) for cell in row]}} for row in cells
            ],
        },
    }
