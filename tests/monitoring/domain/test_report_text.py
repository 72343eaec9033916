"""The report as Markdown and as Notion blocks."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from monitoring.domain.costs import CostDay
from monitoring.domain.day_readings import DayStanding
from monitoring.domain.gates import evaluate
from monitoring.domain.notion_blocks import LONGEST_TEXT, report_blocks
from monitoring.domain.policy import Policy
from monitoring.domain.reports import (
    EndpointWeek,
    HourPoint,
    LogLine,
    Report,
    cost_text,
    report_markdown,
    strip_text,
)
from monitoring.domain.strips import Stretch, TimeState
from monitoring.domain.uptime import EndpointRecord, measure
from monitoring.domain.windows import Window
from tests.monitoring.domain.clean_evidence import clean, quiet

NOW = datetime(2025, 11, 19, 9, tzinfo=UTC)
WEEK = Window(NOW - timedelta(days=7), NOW)


def endpoint(name="shop", *, seen=True, critical=True):
    spans = (WEEK,) if seen else ()
    week = measure(WEEK, [EndpointRecord(key=name, spans=spans)], NOW)
    return EndpointWeek(name, critical, week, (Stretch(TimeState.UP, 0, 84),), 0)


def report(evidence=None, **changes):
    values = {
        "at": NOW,
        "burn_in": "seed",
        "stage": "Day 7/7.",
        "review_at": NOW,
        "window": WEEK,
        "verdict": evaluate(evidence or clean(), Policy()),
        "endpoints": (endpoint(), endpoint("blog|x", seen=False, critical=False)),
        "hours": tuple(HourPoint(WEEK.start + timedelta(hours=n), 0.0, 20.0 + n) for n in range(4)),
        "error_limit": 0.5,
        "costs": (CostDay(date(2025, 11, 18), completed=True, total=Decimal(7)),),
        "cost_limit": Decimal(10),
        "api_days": {date(2025, 11, 18): DayStanding.SERVED, date(2025, 11, 17): DayStanding.BAD},
        "log": (LogLine(NOW, "note", "ada", "first\n# second"),),
        **changes,
    }
    return Report(**values)


def test_markdown_tells_each_part():
    text = report_markdown(report())

    assert text.startswith("# Burn-in report: seed, 19 Nov 2025\n")
    assert "## GO: all five gates are proven" in text
    assert "| shop | yes | 100.000 % | 0 | `" in text
    assert "| blog\\|x | no | no data |" in text
    assert "Greatest 23 ms, over 4 observed hours." in text
    assert "- 2025-11-17 ✕ bad\n- 2025-11-18 ✓ served" in text
    assert "first # second" in text


def test_markdown_shows_gaps_and_absence():
    hours = (HourPoint(NOW, None, None), HourPoint(NOW, None, 4.0), HourPoint(NOW, None, None))

    text = report_markdown(report(hours=hours, log=()))

    assert "No data." in text
    assert "`█?`" in text
    assert "No entry yet." in text


def test_strip_text_keeps_the_gravest_of_the_cells_it_joins():
    stretches = (Stretch(TimeState.UP, 0, 99), Stretch(TimeState.DOWN, 99, 1), Stretch(TimeState.UP, 100, 68))

    text = strip_text(stretches)

    assert len(text) == 84
    assert text.count("█") == 1
    assert strip_text(()) == ""


@pytest.mark.parametrize(
    ("day", "told"),
    [
        (CostDay(date(2025, 11, 18), completed=True, total=None), "no entry"),
        (
            CostDay(date(2025, 11, 18), completed=False, total=Decimal(1), all_estimated=True),
            "$1.00 (all estimated) so far",
        ),
    ],
)
def test_cost_text(day, told):
    assert cost_text(day) == told


def words_of(blocks):
    texts = []
    for block in blocks:
        body = block[block["type"]]
        rows = [cell for row in body.get("children", []) for cell in row["table_row"]["cells"]]
        for part in [body.get("rich_text", []), *rows]:
            texts += [one["text"]["content"] for one in part]
    return texts


def test_notion_blocks_tell_decision_gates_triggers_and_reasons():
    evidence = clean(triggers=quiet(heals=None, api_failed_probes=3))

    blocks = report_blocks(report(evidence))
    words = words_of(blocks)

    assert words[0].startswith("NO-GO: something that was observed")
    assert any(text.startswith("FIRED Intelligence API errors") for text in words)
    assert any(text.startswith("NOT KNOWN Repeated self-heal") for text in words)
    assert any(text.startswith("quiet P1 incident") for text in words)
    assert "Why it is NO-GO" in words
    assert "Why it is GO" not in words_of(report_blocks(report()))


def test_notion_blocks_keep_notion_s_limits():
    many = tuple(endpoint(f"e{number}") for number in range(300))
    lines = tuple(LogLine(NOW, "note", "ada", "x" * 5000) for _ in range(40))

    blocks = report_blocks(report(endpoints=many, log=lines))

    tables = [block["table"] for block in blocks if block["type"] == "table"]
    assert max(len(table["children"]) for table in tables) == 100
    assert all(
        len(row["table_row"]["cells"]) == table["table_width"]
        for table in tables
        for row in table["children"]
    )
    assert max(map(len, words_of(blocks))) == LONGEST_TEXT
