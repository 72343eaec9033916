"""What the page of a verdict shows, out of its record: nothing is judged anew to show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from monitoring.domain.evidence_codec import decode_evidence, decode_policy
from monitoring.domain.figures import coverage_text, dollars, exact
from monitoring.domain.gates import GATE_TITLES, TRIGGER_TITLES, evaluate
from monitoring.domain.limits import with_limits
from monitoring.domain.policy import GateKey, TriggerKey, WindowKind
from monitoring.domain.policy_fields import UnableToReadPolicy
from monitoring.domain.verdict_text import shown_value
from monitoring.domain.verdicts import Decision, Standing
from monitoring.domain.whatif import smallest_change

_LOOKS = {
    Standing.PASS: ("good", "✓"),
    Standing.ON_TRACK: ("fair", "◐"),
    Standing.FAIL: ("bad", "✕"),
    Standing.NO_DATA: ("none", "?"),
}
WINDOW_TITLES = {WindowKind.TRAILING: "the trailing window", WindowKind.BURN_IN: "the burn-in's own window"}


@dataclass(frozen=True, slots=True)
class GateLine:
    """One gate of a record, in words."""

    key: str
    title: str
    tone: str
    symbol: str
    standing: str
    value: str
    limit: str
    typed_limit: str
    coverage: str
    samples: int
    explanation: str
    demonstrated: str
    rows: int


@dataclass(frozen=True, slots=True)
class TriggerLine:
    """One trigger of a record, in words."""

    title: str
    tone: str
    symbol: str
    word: str
    explanation: str


@dataclass(frozen=True, slots=True)
class VerdictView:
    """A verdict of a record, in words; `tone` as the board has it."""

    tone: str
    symbol: str
    decision: str
    sentence: str
    criteria: str
    reasons: tuple[str, ...]
    gates: tuple[GateLine, ...]
    triggers: tuple[TriggerLine, ...]
    start: str
    end: str
    at: str


def view_of(verdict: dict[str, Any]) -> VerdictView:
    """The verdict of a record (`Verdict.to_record_dict()`) as it is shown."""
    go = verdict["decision"] == Decision.GO
    sentence = "All five gates are proven and no trigger fired."
    if not go:
        sentence = (
            "Something that was observed speaks against it."
            if verdict["conclusive"]
            else "For lack of evidence: nothing observed speaks against it, but it is not proven."
        )
    return VerdictView(
        tone="good" if go else "bad" if verdict["conclusive"] else "none",
        symbol="✓" if go else "✕" if verdict["conclusive"] else "?",
        decision=verdict["decision"],
        sentence=sentence,
        criteria=f"Criteria met: {verdict['within']}/5 (proven {verdict['proven']}/5)",
        reasons=tuple(verdict["reasons"]),
        gates=tuple(_gate_line(gate) for gate in verdict["gates"]),
        triggers=tuple(_trigger_line(one) for one in verdict["triggers"]),
        start=verdict["window"]["start"],
        end=verdict["window"]["end"],
        at=verdict["at"],
    )


def _gate_line(gate: dict[str, Any]) -> GateLine:
    key = GateKey(gate["key"])
    tone, symbol = _LOOKS[Standing(gate["standing"])]
    return GateLine(
        key=key.value,
        title=GATE_TITLES[key],
        tone=tone,
        symbol=symbol,
        standing=gate["standing"],
        value="–" if gate["value"] is None else shown_value(key, float(gate["value"])),
        limit=_limit(key, gate["limit"]),
        typed_limit="" if gate["limit"] is None else f"{exact(gate['limit']).normalize():f}",
        coverage="not known" if gate["coverage"] is None else coverage_text(float(gate["coverage"])),
        samples=int(gate["samples"]),
        explanation=gate["explanation"],
        demonstrated=gate["demonstrated"] or "",
        rows=len(gate["rows"]),
    )


def _limit(key: GateKey, limit: float | None) -> str:
    if limit is None:
        return "none"
    side = "at least" if key in (GateKey.UPTIME, GateKey.INTELLIGENCE_API_DAYS) else "at most"
    if key is GateKey.DAILY_COST:
        return f"{side} {dollars(limit)}"
    unit = " %" if key in (GateKey.UPTIME, GateKey.ERROR_RATE) else ""
    return f"{side} {exact(limit).normalize():f}{unit}"


def _trigger_line(one: dict[str, Any]) -> TriggerLine:
    tone, symbol, word = ("none", "?", "not known")
    if one["fired"]:
        tone, symbol, word = ("bad", "✕", "fired")
    elif one["observed"]:
        tone, symbol, word = ("good", "✓", "quiet")
    return TriggerLine(TRIGGER_TITLES[TriggerKey(one["key"])], tone, symbol, word, one["explanation"])


@dataclass(frozen=True, slots=True)
class OtherLimits:
    """The stored evidence under other limits: the verdict, or why it could not be judged."""

    limits: tuple[str, ...]
    view: VerdictView | None = None
    problem: str = ""


def under_other_limits(record: dict[str, Any], typed: dict[str, str]) -> OtherLimits | None:
    """Judge a record's evidence under the limits a person typed; None when they are those of its policy."""
    before = {line.key: line.typed_limit for line in view_of(record["verdict"]).gates}
    limits = tuple(
        f"{key}={text.strip()}" for key, text in typed.items() if text.strip() not in ("", before.get(key))
    )
    if not limits:
        return None
    try:
        policy = with_limits(decode_policy(record["policy"]), limits)
        verdict = evaluate(decode_evidence(record["evidence"]), policy)
    except (UnableToReadPolicy, ValueError) as error:
        return OtherLimits(limits, problem=str(error))
    return OtherLimits(limits, view_of(verdict.to_record_dict()))


def smallest_change_text(record: dict[str, Any]) -> str:
    """Which change of limits would have made a record GO, in a sentence; nothing for one that is GO."""
    if record["verdict"]["decision"] == Decision.GO:
        return ""
    found = smallest_change(decode_evidence(record["evidence"]), decode_policy(record["policy"]))
    changes = "; ".join(str(one) for one in found.changes) or "none"
    if found.makes_go:
        return f"Smallest change that makes GO: {changes}."
    return f"No change of limits alone makes GO. Limits that were missed: {changes}."
