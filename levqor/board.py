"""Composes the board: what was gathered, with words, symbols and the addresses of the rows behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from intelligence.services.newest import newest_findings
from monitoring.domain.burnin_days import NextStep
from monitoring.domain.figures import counted, coverage_text, dollars, exact
from monitoring.domain.gates import GATE_TITLES, TRIGGER_TITLES
from monitoring.domain.observing import EndpointStanding
from monitoring.domain.policy import GateKey
from monitoring.domain.runs import Outcome, RunState
from monitoring.domain.verdict_text import criteria_line, shown_value
from monitoring.domain.verdicts import Decision, Reading, Standing, Trigger, Verdict
from monitoring.services.board import (
    Board,
    BurnInLine,
    EndpointLine,
    JobLine,
    gather_platform_board,
    gather_tenant_board,
)
from tenancy.context import current_scope

# The rows behind each gate: the changelist and its filter.
_GATE_ROWS = {
    GateKey.UPTIME: ("monitoring_outage", ""),
    GateKey.ERROR_RATE: ("monitoring_healthlog", "range=24h"),
    GateKey.P1_INCIDENTS: ("monitoring_incident", "severity__exact=P1"),
    GateKey.INTELLIGENCE_API_DAYS: ("monitoring_endpoint", "intelligence_api__exact=1"),
    GateKey.DAILY_COST: ("monitoring_costentry", ""),
}
_STANDING_LOOKS = {
    Standing.PASS: ("good", "✓"),
    Standing.ON_TRACK: ("fair", "◐"),
    Standing.FAIL: ("bad", "✕"),
    Standing.NO_DATA: ("none", "?"),
}
_ENDPOINT_LOOKS = {
    EndpointStanding.UP: ("good", "✓"),
    EndpointStanding.SUSPECT: ("fair", "!"),
    EndpointStanding.DOWN: ("bad", "✕"),
    EndpointStanding.UNKNOWN: ("none", "?"),
}
_OUTCOME_LOOKS = {
    Outcome.OK: ("good", "✓"),
    Outcome.FINDINGS: ("fair", "!"),
    Outcome.SKIPPED: ("none", "–"),
    Outcome.ERROR: ("bad", "✕"),
    Outcome.TIMED_OUT: ("bad", "✕"),
    Outcome.MISSED: ("bad", "✕"),
}
_STATE_LOOKS = {
    RunState.PENDING: ("none", "…", "owed"),
    RunState.RUNNING: ("fair", "▸", "running"),
    RunState.DEAD: ("bad", "✕", "given up"),
}


# So many names in one line of what asks for a hand.
_NAMED = 4


@dataclass(frozen=True, slots=True)
class Chip:
    """A standing in a word, a symbol and a tone (good, fair, bad, none), so that colour is never alone."""

    tone: str
    symbol: str
    word: str


@dataclass(frozen=True, slots=True)
class GateCard:
    """One gate as the board shows it."""

    title: str
    chip: Chip
    value: str
    limit: str
    coverage: str
    reading: Reading
    rows_url: str


@dataclass(frozen=True, slots=True)
class Headline:
    """The verdict in words that cannot be misread."""

    tone: str
    symbol: str
    decision: str
    qualifier: str
    sentence: str
    criteria: str


def board_context() -> dict[str, Any]:
    """What the board's template needs, in the active scope; `board` is None for somebody without a scope."""
    scope = current_scope()
    now = timezone.now()
    if scope is None:
        return {"board": None, "now": now}
    if scope.tenant_id is None:
        board = gather_platform_board(now=now)
    else:
        board = gather_tenant_board(tenant_id=scope.tenant_id, now=now)
    return {
        "board": board,
        "now": now,
        "endpoints": [(line, endpoint_chip(line.standing)) for line in board.endpoints],
        "endpoints_summary": endpoints_summary(board.endpoints),
        "attention": list(attention_of(board)),
        "findings": newest_findings(),
        **_platform_context(board),
    }


def _platform_context(board: Board) -> dict[str, Any]:
    part = board.platform
    if part is None:
        return {}
    return {
        "verdict": part.verdict,
        "headline": headline_of(part.verdict),
        "gates": [gate_card(reading) for reading in part.verdict.gates],
        "triggers": [
            (TRIGGER_TITLES[trigger.key], trigger_chip(trigger), trigger) for trigger in part.verdict.triggers
        ],
        "burn_in_next": burn_in_sentence(part.burn_in) if part.burn_in else "",
        "jobs": [(line, job_chip(line)) for line in part.jobs],
        "jobs_summary": jobs_summary(part.jobs),
        "cost": part.cost,
        "cost_text": dollars(part.cost.total) if part.cost else "",
        "cost_so_far": dollars(part.cost.so_far) if part.cost else "",
    }


def headline_of(verdict: Verdict) -> Headline:
    """The decision, unmistakably one of three: GO, NO-GO, NO-GO for lack of evidence."""
    criteria = criteria_line(verdict)
    if verdict.decision is Decision.GO:
        sentence = "All five gates are proven and no trigger fired."
        return Headline("good", "✓", verdict.decision.value, "", sentence, criteria)
    if verdict.conclusive:
        sentence = "Something that was observed speaks against it."
        return Headline("bad", "✕", verdict.decision.value, "", sentence, criteria)
    sentence = "Nothing that was observed speaks against it, but it is not proven."
    return Headline("none", "?", verdict.decision.value, "for lack of evidence", sentence, criteria)


def gate_card(reading: Reading) -> GateCard:
    """One gate with its chip, its figures as text and the address of its rows."""
    tone, symbol = _STANDING_LOOKS[reading.standing]
    return GateCard(
        title=GATE_TITLES[reading.key],
        chip=Chip(tone, symbol, reading.standing.value),
        value="no data" if reading.value is None else shown_value(reading.key, reading.value),
        limit=_limit_text(reading),
        coverage="" if reading.coverage is None else coverage_text(reading.coverage),
        reading=reading,
        rows_url=_rows_url(reading.key),
    )


def _limit_text(reading: Reading) -> str:
    if reading.limit is None:
        return "no limit in the policy"
    number = f"{Decimal(exact(reading.limit)).normalize():f}"
    if reading.unit == "USD":
        return f"at most {dollars(reading.limit)}"
    least = reading.key in (GateKey.UPTIME, GateKey.INTELLIGENCE_API_DAYS)
    unit = " %" if reading.unit == "%" else ""
    return f"at {'least' if least else 'most'} {number}{unit}"


def _rows_url(key: GateKey) -> str:
    name, query = _GATE_ROWS[key]
    try:
        address = reverse(f"admin:{name}_changelist")
    except NoReverseMatch:
        return ""
    return f"{address}?{query}" if query else address


def trigger_chip(trigger: Trigger) -> Chip:
    """Fired, quiet, or not known: a trigger nobody could look at is not quiet."""
    if trigger.fired:
        return Chip("bad", "✕", "fired")
    return Chip("good", "✓", "quiet") if trigger.observed else Chip("none", "?", "not known")


def endpoint_chip(standing: EndpointStanding) -> Chip:
    """How an endpoint stands."""
    tone, symbol = _ENDPOINT_LOOKS[standing]
    return Chip(tone, symbol, standing.value)


def endpoints_summary(lines: tuple[EndpointLine, ...]) -> str:
    """`12 endpoints: 10 up, 1 down, 1 unknown`."""
    counts = Counter(line.standing.value for line in lines)
    told = ", ".join(f"{number} {word}" for word, number in counts.most_common())
    return f"{counted(len(lines), 'endpoint')}: {told}"


def job_chip(line: JobLine) -> Chip:
    """How the newest run of a job ended, or where it is on its way."""
    if line.last is None:
        return Chip("none", "?", "never run")
    state = RunState(line.last.state)
    if state in _STATE_LOOKS:
        return Chip(*_STATE_LOOKS[state])
    outcome = Outcome(line.last.outcome)
    tone, symbol = _OUTCOME_LOOKS[outcome]
    return Chip(tone, symbol, outcome.value.replace("_", " "))


def jobs_summary(lines: tuple[JobLine, ...]) -> str:
    """`18 jobs: 15 ok, 2 never run, 1 error; 1 overdue`."""
    counts = Counter(job_chip(line).word for line in lines)
    told = ", ".join(f"{number} {word}" for word, number in counts.most_common())
    overdue, off = sum(line.overdue for line in lines), sum(line.next_at is None for line in lines)
    troubles = (f"; {overdue} overdue" if overdue else "") + (f"; {off} not scheduled" if off else "")
    return f"{len(lines)} jobs: {told}{troubles}"


@dataclass(frozen=True, slots=True)
class Attention:
    """Something that asks for a hand now, in one line: what, and which."""

    tone: str
    symbol: str
    what: str
    which: str
    rows_url: str


def attention_of(board: Board) -> Iterator[Attention]:
    """What asks for a hand: endpoints down or out of sight, open incidents, jobs that failed or are overdue."""
    kinds: list[tuple[str, list[str], str, str, str]] = [
        ("down", _standing_at(board, EndpointStanding.DOWN), "bad", "endpoint", "monitoring_endpoint"),
        ("not seen now", _unseen(board), "fair", "endpoint", "monitoring_endpoint"),
    ]
    if board.platform is not None:
        opened = [f"{one.severity} {one.title}" for one in board.platform.incidents]
        failed = [line.job.name for line in board.platform.jobs if job_chip(line).tone == "bad"]
        overdue = [line.job.name for line in board.platform.jobs if line.overdue]
        kinds += [
            ("open", opened, "bad", "incident", "monitoring_incident"),
            ("failed", failed, "bad", "job", "monitoring_jobschedule"),
            ("overdue", overdue, "fair", "job", "monitoring_jobschedule"),
        ]
    for how, names, tone, noun, page in kinds:
        if names:
            shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if names[_NAMED:] else "")
            symbol = "✕" if tone == "bad" else "!"
            address = reverse(f"admin:{page}_changelist")
            yield Attention(tone, symbol, f"{counted(len(names), noun)} {how}", shown, address)


def _standing_at(board: Board, standing: EndpointStanding) -> list[str]:
    return [line.endpoint.name for line in board.endpoints if line.standing is standing]


def _unseen(board: Board) -> list[str]:
    """Watched endpoints that were seen once and are not seen now: the prober is silent."""
    seen_once = (
        line for line in board.endpoints if line.endpoint.enabled and line.state and line.state.last_at
    )
    return [line.endpoint.name for line in seen_once if line.stale]


_NEXT_SENTENCES = {
    NextStep.START: "It starts",
    NextStep.END: "Its last day ends",
    NextStep.REVIEW: "The Go/No-Go review is due",
    NextStep.OVERDUE_REVIEW: "The Go/No-Go review was due and has not been signed:",
}


def burn_in_sentence(line: BurnInLine) -> str:
    """What comes next, in words, with its date."""
    progress = line.progress
    if progress.next_step is NextStep.NOTHING or progress.next_at is None:
        return f"Reviewed: {line.burn_in.outcome or 'no outcome recorded'}."
    return f"{_NEXT_SENTENCES[progress.next_step]} {progress.next_at:%a %d %b %Y, %H:%M} UTC"
