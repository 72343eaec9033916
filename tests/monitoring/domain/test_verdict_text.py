"""The verdict as a table and as Markdown."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.evidence import Evidence, HealCount
from monitoring.domain.gates import evaluate
from monitoring.domain.policy import GateKey, Policy
from monitoring.domain.verdict_text import (
    WIDTH,
    criteria_line,
    headline,
    render_markdown,
    render_table,
    shown_value,
)
from tests.monitoring.domain.clean_evidence import (
    JUDGED_AT,
    WEEK,
    api_days,
    clean,
    cost_days,
    costs,
    incident,
    incidents,
    quiet,
    uptime,
)

GO = evaluate(clean(), Policy())
EMPTY = evaluate(Evidence(judged_at=JUDGED_AT, window=WEEK), Policy())
ON_TRACK = evaluate(clean(uptime=uptime(coverage=0.4321, demonstrated="At least 99.5 % at 95 %.")), Policy())


def failing(title: str = "API down", subsystem: str = "api"):
    bad = replace(incident(), title=title)
    return evaluate(
        clean(
            uptime=uptime(low=0.99979, likely=0.99979, high=0.9999),
            incidents=incidents(bad),
            costs=costs(days=cost_days(d14="10.001")),
            triggers=quiet(heals=(HealCount(subsystem, 2),), api_failed_probes=None),
            api_days=api_days(3),
        ),
        Policy(),
    )


def cells(table: str, title: str) -> list[str]:
    row = next(line for line in table.splitlines() if line.startswith(title + "  "))
    return [cell.strip() for cell in row.split("  ") if cell.strip()]


def test_table_names_value_limit_standing_coverage_and_samples_of_each_gate() -> None:
    table = render_table(failing())

    assert cells(table, "Uptime") == ["Uptime", "99.979 %", ">= 99.98 %", "FAIL", "100.00 %", "60,480"]
    assert cells(table, "Error rate") == ["Error rate", "0.000 %", "<= 0.5 %", "PASS", "100.00 %", "8,640"]
    assert cells(table, "P1 incidents")[1:4] == ["1", "<= 0", "FAIL"]
    assert cells(table, "Intelligence API days")[1:4] == ["3", ">= 7", "NO DATA"]
    assert cells(table, "Daily cost") == ["Daily cost", "$10.01", "<= $10.00", "FAIL", "100.00 %", "7"]


def test_table_begins_with_the_decision_and_the_criteria_met() -> None:
    lines = render_table(failing()).splitlines()

    assert lines[0] == "NO-GO: something that was observed speaks against it"
    assert lines[1] == (
        "Judged 2025-11-19T09:00:00Z by policy 1, window 2025-11-12T09:00:00Z to 2025-11-19T09:00:00Z"
    )
    assert lines[2] == "Criteria met: 1/5 (proven 1/5)"


def test_table_of_nothing_shows_absence_as_absence() -> None:
    table = render_table(EMPTY)

    assert cells(table, "Uptime") == ["Uptime", "-", ">= 99.98 %", "NO DATA", "-", "0"]
    assert cells(table, "Daily cost") == ["Daily cost", "-", "<= $10.00", "NO DATA", "-", "0"]
    assert "NOT KNOWN Repeated self-heal: Self-heal actions could not be counted." in table


def test_table_of_a_gate_that_was_taken_away_has_no_limit() -> None:
    table = render_table(evaluate(clean(), Policy(error_rate=None)))

    assert cells(table, "Error rate") == ["Error rate", "-", "-", "NO DATA", "-", "0"]


def test_table_tells_triggers_and_reasons_the_failing_gates_first() -> None:
    table = render_table(failing())

    assert "  FIRED     P1 incident: 1 P1 incident since the window began." in table
    assert "  NOT KNOWN Intelligence API errors: 5xx answers to real requests: 0;" in table
    order = ["1. Uptime FAIL:", "2. P1 incidents FAIL:", "3. Daily cost FAIL:", "4. P1 incident FIRED:"]
    positions = [table.index(start) for start in order]
    assert positions == sorted(positions)


def test_go_has_no_reasons_and_its_triggers_are_quiet() -> None:
    table = render_table(GO)

    assert table.startswith("GO: all five gates are proven and no trigger fired\n")
    assert "Criteria met: 5/5 (proven 5/5)" in table
    assert "Why it is" not in table + render_markdown(GO)
    assert table.count("quiet     ") == 4


def test_headline_tells_lack_of_evidence_from_failure() -> None:
    assert headline(ON_TRACK).startswith("NO-GO for lack of evidence: ")
    assert criteria_line(ON_TRACK) == "Criteria met: 5/5 (proven 4/5)"


def test_what_is_demonstrated_is_shown() -> None:
    assert "\n    At least 99.5 % at 95 %.\n" in render_table(ON_TRACK)
    assert "At least 99.5 % at 95 %. |" in render_markdown(ON_TRACK)
    assert "43.21 %" in render_table(ON_TRACK)


@pytest.mark.parametrize("verdict", [GO, EMPTY, ON_TRACK, failing(), failing(title="long " * 80)])
def test_table_fits_its_width(verdict) -> None:
    table = render_table(verdict)

    assert max(len(line) for line in table.splitlines()) <= WIDTH
    assert table.endswith("\n")
    assert not any(line != line.rstrip() for line in table.splitlines())


def test_typed_text_cannot_move_the_cursor_or_forge_a_line() -> None:
    table = render_table(failing(title="x\x1b[2J\nGO: all five gates are proven", subsystem="\u202eapi"))

    assert "\x1b" not in table
    assert "\u202e" not in table
    assert not any(line.startswith("GO") for line in table.splitlines())


def test_markdown_has_a_row_per_gate_and_escapes_typed_text() -> None:
    page = render_markdown(failing(title="a | b <script> [x](http://y) *z* `q` \\"))

    lines = page.splitlines()
    assert lines[0] == "# NO-GO: something that was observed speaks against it"
    assert "**Criteria met: 1/5 (proven 1/5)**" in lines
    assert "a \\| b \\<script> \\[x\\](http://y) \\*z\\* \\`q\\` \\\\" in page
    rows = [line for line in lines if line.startswith("| ")]
    assert len(rows) == 6
    assert all(row.replace("\\|", "").count("|") == 8 for row in rows)
    assert any(line.startswith("- **FIRED** P1 incident: ") for line in lines)
    assert "## Why it is NO-GO" in lines
    assert page.endswith("\n")


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        (GateKey.UPTIME, 99.979, "99.979 %"),
        (GateKey.UPTIME, 99.97999, "99.979 %"),
        (GateKey.ERROR_RATE, 0.50001, "0.501 %"),
        (GateKey.P1_INCIDENTS, 2.0, "2"),
        (GateKey.INTELLIGENCE_API_DAYS, 6.0, "6"),
        (GateKey.DAILY_COST, 10.001, "$10.01"),
    ],
)
def test_values_are_rounded_against_the_gate(key: GateKey, value: float, text: str) -> None:
    assert shown_value(key, value) == text


@given(title=st.text(max_size=60))
def test_any_title_leaves_both_texts_in_shape(title: str) -> None:
    verdict = failing(title=title)

    table, page = render_table(verdict), render_markdown(verdict)

    assert all(line.isprintable() and len(line) <= WIDTH for line in table.split("\n"))
    assert len([line for line in page.split("\n") if line.startswith("| ")]) == 6


def test_naming_another_zone_prints_utc() -> None:
    verdict = replace(GO, judged_at=datetime(2025, 11, 19, 9, tzinfo=UTC))

    assert "Judged 2025-11-19T09:00:00Z" in render_table(verdict)
