"""A whole simulation, from an empty database of its own to what it shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from monitoring.domain.figures import iso_z
from monitoring.domain.scenario import Scenario
from monitoring.domain.verdicts import Decision, ExitCode
from monitoring.models import Outage, Verdict
from monitoring.services.simulation import simulate
from monitoring.services.uptime import latest_outages, outage_facts
from monitoring.services.verdicts import record_of
from monitoring.services.verification import verify
from tenancy.services.databases import database_of_its_own

MARK = "SIMULATED: a rehearsal from a script. None of this was measured."


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a rehearsal showed, as plain values. `database` is its name where it was kept."""

    days: tuple[dict[str, Any], ...]
    checkpoint: dict[str, Any]
    review: dict[str, Any]
    outages: tuple[dict[str, Any], ...]
    # The numbers of the verdicts that a replay found otherwise, with what differs; None without a replay.
    replay: dict[int, tuple[str, ...]] | None
    probes: int
    slots: int
    database: str | None

    @property
    def exit_code(self) -> ExitCode:
        """That of the review."""
        verdict = self.review["verdict"]
        if verdict["decision"] == Decision.GO.value:
            return ExitCode.GO
        return ExitCode.NO_GO if verdict["conclusive"] else ExitCode.LACK_OF_EVIDENCE

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON; every part says that it was simulated."""
        told = {
            "simulated": True,
            "note": MARK,
            "days": list(self.days),
            "checkpoint": self.checkpoint,
            "review": self.review,
            "outages": list(self.outages),
            "probes": self.probes,
            "slots": self.slots,
            "database": self.database,
        }
        if self.replay is not None:
            told["replay"] = {
                str(number): list(texts) or "identical" for number, texts in self.replay.items()
            }
        return told


def run_in_own_database(
    scenario: Scenario,
    *,
    name: str,
    keep: bool = False,
    check: bool = False,
    said: Callable[[str], None] = lambda text: None,
) -> Simulation:
    """This will play `scenario` in a new database `name`, dropped after unless `keep`.

    `check` also replays every stored verdict.

    Raises:
        UnableToMakeDatabase: when the owner's login may not make it.
    """
    with database_of_its_own(name, keep=keep):
        played = simulate(scenario, said=said)
        replay = None
        if check:
            replay = {
                verdict.number: tuple(f"{one.kind}: {one.text}" for one in verify(verdict.number).differences)
                for verdict in played.verdicts
            }
        daily = [verdict for verdict in played.verdicts if verdict.occasion == "daily"]
        return Simulation(
            days=tuple(_told(verdict) for verdict in daily),
            checkpoint=_told(played.checkpoint),
            review=_told(played.review),
            outages=tuple(_outage(row, scenario) for row in reversed(latest_outages())),
            replay=replay,
            probes=played.probes,
            slots=played.slots,
            database=name if keep else None,
        )


def _told(stored: Verdict) -> dict[str, Any]:
    return {
        "simulated": True,
        "number": stored.number,
        "occasion": stored.occasion,
        "hash": stored.hash,
        "verdict": record_of(stored)["verdict"],
    }


def _outage(row: Outage, scenario: Scenario) -> dict[str, Any]:
    facts, now = outage_facts(row), scenario.review_at
    longest = facts.max_s(now)
    return {
        "simulated": True,
        "endpoint": row.endpoint.name,
        "first_bad": iso_z(row.first_bad_at),
        "first_good": iso_z(row.first_good_at) if row.first_good_at else None,
        "min_s": round(facts.min_s, 3),
        "likely_s": round(facts.likely_s(now), 3),
        "max_s": None if longest is None else round(longest, 3),
        "error": row.error,
    }
