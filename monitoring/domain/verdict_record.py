"""What is stored of a verdict, as plain values: everything it takes to judge it again, and to doubt it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitoring.domain.evidence import Evidence
from monitoring.domain.evidence_codec import encode_evidence
from monitoring.domain.figures import iso_z
from monitoring.domain.occasions import Occasion
from monitoring.domain.policy import Policy, WindowKind
from monitoring.domain.verdicts import Verdict

FORMAT = "levqor-verdict/1"
FIRST_PREVIOUS = "0" * 64


@dataclass(frozen=True, slots=True)
class BurnInSeen:
    """The burn-in as it stood at the judged moment."""

    name: str
    starts_at: datetime
    ends_at: datetime
    review_at: datetime
    state: str

    def to_dict(self) -> dict[str, str]:
        """As it is written into a record."""
        return {
            "name": self.name,
            "starts_at": iso_z(self.starts_at),
            "ends_at": iso_z(self.ends_at),
            "review_at": iso_z(self.review_at),
            "state": self.state,
        }


@dataclass(frozen=True, slots=True)
class Code:
    """Which code judged: the release, and the SHA-256 over the source of the judge."""

    version: str
    judge_sha256: str

    def __str__(self) -> str:
        return f"{self.version}+{self.judge_sha256[:12]}"


@dataclass(frozen=True, slots=True)
class OtherWindow:
    """The same evidence rules over the window that does not decide."""

    kind: WindowKind
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with all that it came from."""

    verdict: Verdict
    evidence: Evidence
    policy: Policy
    burn_in: BurnInSeen | None
    other: OtherWindow | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands in the chain, when and why it was put there."""

    number: int
    previous_hash: str
    occasion: Occasion
    stored_at: datetime
    stored_by: str


def to_record(
    judgement: Judgement, place: Place, *, code: Code, rows: int, merkle_root: str
) -> dict[str, Any]:
    """The record of `judgement`, ready for canonical JSON."""
    other = judgement.other
    return {
        "format": FORMAT,
        "number": place.number,
        "previous_hash": place.previous_hash,
        "occasion": place.occasion.value,
        "stored_at": iso_z(place.stored_at),
        "stored_by": place.stored_by,
        "burn_in": judgement.burn_in.to_dict() if judgement.burn_in else None,
        "code": {"version": code.version, "judge_sha256": code.judge_sha256},
        "policy": judgement.policy.to_dict(),
        "evidence": encode_evidence(judgement.evidence),
        "verdict": judgement.verdict.to_record_dict(),
        "other_window": {"kind": other.kind.value, "verdict": other.verdict.to_record_dict()}
        if other
        else None,
        "rows": {"count": rows, "merkle_root": merkle_root},
    }


def signature_of(record: dict[str, Any]) -> tuple[Any, ...]:
    """What makes a verdict another one: decision, standings, triggers, policy; figures may move."""
    verdict = record["verdict"]
    return (
        verdict["decision"],
        verdict["conclusive"],
        tuple((gate["key"], gate["standing"]) for gate in verdict["gates"]),
        tuple((one["key"], one["fired"], one["observed"]) for one in verdict["triggers"]),
        record["policy"],
    )


@dataclass(frozen=True, slots=True)
class Link:
    """One stored verdict as a link of the chain: what its row says, and what its record hashes to."""

    number: int
    previous_hash: str
    hash: str
    actual_hash: str
    record_number: int
    record_previous_hash: str


def broken_links(links: Iterable[Link]) -> tuple[str, ...]:
    """What is wrong with a chain, given from its beginning; nothing when it is whole."""
    faults: list[str] = []
    number, before = 0, FIRST_PREVIOUS
    for link in links:
        if link.number != number + 1:
            faults.append(f"Verdict {number + 1} is missing: {link.number} follows {number}.")
        elif link.previous_hash != before:
            faults.append(f"Verdict {link.number} does not follow verdict {number}.")
        if link.actual_hash != link.hash:
            faults.append(f"Verdict {link.number} was changed: its record does not have its hash.")
        elif (link.record_number, link.record_previous_hash) != (link.number, link.previous_hash):
            faults.append(
                f"Verdict {link.number} was moved: its record stands at another place of the chain."
            )
        number, before = link.number, link.hash
    return tuple(faults)
