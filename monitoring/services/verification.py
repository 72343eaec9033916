"""Derives a stored verdict again and names what is different: chain, policy, code, facts, rows, log."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import rfc8785

from monitoring.domain.evidence import Evidence, UnableToJudge
from monitoring.domain.evidence_codec import decode_evidence, decode_policy, encode_evidence
from monitoring.domain.evidence_rows import EvidenceRow, compare_rows, merkle_root, unpack
from monitoring.domain.gates import evaluate
from monitoring.domain.policy_fields import UnableToReadPolicy
from monitoring.domain.record_differences import differing_entries
from monitoring.domain.verdict_record import Judgement
from monitoring.models import GatePolicy, Verdict, VerdictRows
from monitoring.services.code_version import code_version
from monitoring.services.judging import NO_POLICY, judge_in_full
from monitoring.services.known import Knowledge
from monitoring.services.log_check import log_differences
from monitoring.services.verdicts import judged_rows, record_of, verdict_numbered
from tenancy.context import control_transaction

# More than anybody reads; the rest is counted.
_MOST_TOLD = 50


class DifferenceKind(StrEnum):
    """Where a difference lies."""

    CHAIN = "chain"
    POLICY = "policy"
    CODE = "code"
    FACTS = "facts"
    ROWS = "rows"
    VERDICT = "verdict"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was, in a sentence."""

    kind: DifferenceKind
    text: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of deriving verdict `number` again. `notes` are worth knowing and no difference."""

    number: int
    differences: tuple[Difference, ...]
    notes: tuple[str, ...] = ()

    @property
    def identical(self) -> bool:
        """Whether everything was found as it was."""
        return not self.differences


def verify(number: int) -> Verification:
    """This will derive verdict `number` again from the rows there are now, and compare.

    Reads, besides what a judgement reads, the log of its window, hour by hour.

    Raises:
        UnableToReplay: when there is no such verdict.
    """
    with control_transaction("verify verdict"):
        stored = verdict_numbered(number)
        found = _chain_differences(stored)
        if found:
            # What was hashed cannot be read with trust any more.
            return Verification(number, tuple(found))
        record = record_of(stored)
        rows = unpack(bytes(VerdictRows.objects.get(verdict=stored).packed))
        if merkle_root(rows) != record["rows"]["merkle_root"] or len(rows) != record["rows"]["count"]:
            text = f"The rows kept with verdict {number} were changed: they do not have its Merkle root."
            return Verification(number, (Difference(DifferenceKind.CHAIN, text),))
        notes: list[str] = []
        found = [*_code_differences(record, notes), *_again(record, rows, stored)]
        return Verification(number, _told(found), tuple(notes))


def _chain_differences(stored: Verdict) -> list[Difference]:
    chain = DifferenceKind.CHAIN
    actual = hashlib.sha256(stored.record.encode()).hexdigest()
    if actual != stored.hash:
        return [
            Difference(chain, f"The record of verdict {stored.number} was changed: its hash is {actual}.")
        ]
    record = record_of(stored)
    if rfc8785.dumps(record).decode() != stored.record:
        return [Difference(chain, f"The record of verdict {stored.number} is not canonical JSON.")]
    if (record["number"], record["previous_hash"]) != (stored.number, stored.previous_hash):
        return [Difference(chain, f"The record of verdict {stored.number} belongs to another place.")]
    columns = [Difference(chain, text) for text in _columns_differing(stored, record)]
    if stored.number == 1:
        return columns
    before = Verdict.objects.filter(number=stored.number - 1).values_list("hash", flat=True).first()
    if before != stored.previous_hash:
        text = f"Verdict {stored.number} does not follow the verdict {stored.number - 1} that is stored."
        return [Difference(chain, text)]
    return columns


def _columns_differing(stored: Verdict, record: dict[str, Any]) -> list[str]:
    """The columns beside the record repeat it; a list page shows them."""
    verdict = record["verdict"]
    pairs = {
        "decision": (stored.decision, verdict["decision"]),
        "conclusive": (stored.conclusive, verdict["conclusive"]),
        "within": (stored.within, verdict["within"]),
        "proven": (stored.proven, verdict["proven"]),
        "judged_at": (stored.judged_at, _moment(verdict["at"])),
        "window_start": (stored.window_start, _moment(verdict["window"]["start"])),
        "window_end": (stored.window_end, _moment(verdict["window"]["end"])),
        "occasion": (stored.occasion, record["occasion"]),
        "policy_version": (stored.policy_version, verdict["policy_version"]),
    }
    return [
        f"Column {name} of verdict {stored.number} says {column}, its record {told}."
        for name, (column, told) in pairs.items()
        if column != told
    ]


def _code_differences(record: dict[str, Any], notes: list[str]) -> list[Difference]:
    """Judge the stored evidence by the stored policy with the code of now."""
    code = code_version()
    then = record["code"]
    if (then["version"], then["judge_sha256"]) != (code.version, code.judge_sha256):
        told = f"{then['version']}+{then['judge_sha256'][:12]}"
        notes.append(f"It was judged by code {told}; {code} is running now.")
    try:
        again = evaluate(decode_evidence(record["evidence"]), decode_policy(record["policy"]))
    except ValueError as error:
        return [Difference(DifferenceKind.CODE, f"The code of now cannot read the record: {error}")]
    return [
        Difference(DifferenceKind.CODE, f"The same evidence is judged otherwise by the code of now: {text}")
        for text in differing_entries(record["verdict"], _plain(again.to_record_dict()), "verdict")
    ]


def _again(record: dict[str, Any], rows: tuple[EvidenceRow, ...], stored: Verdict) -> list[Difference]:
    """Judge the rows of now and compare what came of it, from the policy down to the log."""
    knowledge = _knowledge_then(record, rows)
    try:
        judgement, material = judge_in_full(
            now=knowledge.at, knowledge=knowledge, before_the_first=_before_the_first(record)
        )
    except (UnableToJudge, UnableToReadPolicy) as error:
        return [Difference(DifferenceKind.POLICY, f"It can no longer be judged: {error}")]
    found = [
        Difference(DifferenceKind.POLICY, text)
        for text in differing_entries(record["policy"], _plain(judgement.policy.to_dict()), "policy")
    ]
    burn_in = judgement.burn_in.to_dict() if judgement.burn_in else None
    found += [
        Difference(DifferenceKind.POLICY, text)
        for text in differing_entries(record["burn_in"], burn_in, "burn_in")
    ]
    changes = compare_rows(rows, judged_rows(judgement, material))
    found += [Difference(DifferenceKind.ROWS, str(change)) for change in changes]
    found += [Difference(DifferenceKind.ROWS, text) for text in log_differences(rows, before=knowledge.at)]
    found += _fact_differences(record["evidence"], judgement.evidence)
    return found + _verdict_differences(record, judgement)


def _before_the_first(record: dict[str, Any]) -> bool:
    """Whether it was judged before there was any policy, which a replay would otherwise borrow from later."""
    at = _moment(record["verdict"]["at"])
    unruled = record["burn_in"] is None and record["policy"] == _plain(NO_POLICY.to_dict())
    return unruled and not GatePolicy.objects.filter(created_at__lte=at).exists()


def _knowledge_then(record: dict[str, Any], rows: tuple[EvidenceRow, ...]) -> Knowledge:
    """What the verdict used: its rows, and today's costs as they stood, if they have only grown since."""
    at = _moment(record["verdict"]["at"])
    kept: dict[str, set[int]] = {
        name: set() for name in ("endpoints", "incidents", "cost_entries", "maintenance_windows")
    }
    amounts: dict[int, Decimal] = {}
    for row in rows:
        if row.table in kept:
            kept[row.table].add(int(row.key))
        cells = dict(row.cells)
        if row.table == "cost_entries" and cells["day"] == at.date().isoformat():
            amounts[int(row.key)] = Decimal(cells["amount"])
    return Knowledge(
        at,
        sealed=True,
        kept={table: frozenset(keys) for table, keys in kept.items()},
        amounts=amounts,
    )


def _fact_differences(then: dict[str, Any], now: Evidence) -> list[Difference]:
    return [
        Difference(DifferenceKind.FACTS, text)
        for text in differing_entries(then, _plain(encode_evidence(now)), "evidence")
    ]


def _verdict_differences(record: dict[str, Any], judgement: Judgement) -> list[Difference]:
    other = record["other_window"]
    again = judgement.other
    pairs = [("verdict", record["verdict"], judgement.verdict.to_record_dict())]
    if other and again:
        pairs.append(("other_window", other["verdict"], again.verdict.to_record_dict()))
    texts = [text for name, then, now in pairs for text in differing_entries(then, _plain(now), name)]
    return [Difference(DifferenceKind.VERDICT, text) for text in texts]


def _told(found: list[Difference]) -> tuple[Difference, ...]:
    if len(found) <= _MOST_TOLD:
        return tuple(found)
    rest = f"and {len(found) - _MOST_TOLD:,} more differences."
    return (*found[:_MOST_TOLD], Difference(found[_MOST_TOLD].kind, rest))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """The values as they come back from canonical JSON, where 1.0 is 1."""
    plain: dict[str, Any] = json.loads(rfc8785.dumps(values))
    return plain
