"""The words of the ops log, and what one daily entry says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from monitoring.domain.figures import amount_text, counted, dollars
from monitoring.domain.gates import GATE_TITLES
from monitoring.domain.policy import GateKey
from monitoring.domain.reviews import told_once
from monitoring.domain.verdict_text import criteria_line, shown_value
from monitoring.domain.verdicts import Reading, Verdict

NOT_KNOWN = "not known"


class OpsKind(StrEnum):
    """What an entry of the ops log is about."""

    DAILY = "daily"
    # The only way to correct an entry.
    AMENDMENT = "amendment"
    CHECKPOINT = "checkpoint"
    REVIEW = "review"
    HEAL = "heal"
    PUBLISHED = "published"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class DayFigures:
    """The daily metrics over the 24 hours before the check; None means that nobody looked, which is not 0.

    `latency_ms` is the mean over answered probes. `cost_usd` is the total of the last completed UTC day,
    `run_rate_usd` what today will have cost at midnight.
    """

    observations: int
    server_errors: int | None
    latency_ms: float | None
    p1_incidents: int
    alerts: int | None
    heals: int | None
    cost_day: date
    cost_usd: Decimal | None
    run_rate_usd: Decimal | None

    def to_dict(self) -> dict[str, Any]:
        """As an ops log entry keeps it; money as text, because a float is no amount."""
        return {
            "observations_24h": self.observations,
            "server_errors_24h": self.server_errors,
            "latency_avg_ms": self.latency_ms,
            "p1_incidents_24h": self.p1_incidents,
            "alerts_24h": self.alerts,
            "heals_24h": self.heals,
            "cost_day": self.cost_day.isoformat(),
            "cost_usd": None if self.cost_usd is None else amount_text(self.cost_usd),
            "run_rate_usd": None if self.run_rate_usd is None else amount_text(self.run_rate_usd),
        }

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Names and values as people read them."""
        return (
            ("Observations (24 h)", f"{self.observations:,}"),
            ("5xx answers (24 h)", shown(self.server_errors)),
            ("Average latency (24 h)", NOT_KNOWN if self.latency_ms is None else f"{self.latency_ms:.1f} ms"),
            ("P1 incidents (24 h)", shown(self.p1_incidents)),
            ("Alerts fired (24 h)", shown(self.alerts)),
            ("Self-heal actions (24 h)", shown(self.heals)),
            (
                f"Cost of {self.cost_day.isoformat()}",
                NOT_KNOWN if self.cost_usd is None else dollars(self.cost_usd),
            ),
            (
                "Today's run-rate",
                NOT_KNOWN if self.run_rate_usd is None else dollars(self.run_rate_usd),
            ),
        )


@dataclass(frozen=True, slots=True)
class BurnInDay:
    """Day `number` of `days` of the named burn-in."""

    name: str
    number: int
    days: int

    def __str__(self) -> str:
        return f"day {self.number}/{self.days} of {self.name}"


def shown(number: int | None) -> str:
    """A count, or that nobody knows it."""
    return NOT_KNOWN if number is None else f"{number:,}"


def reading_text(reading: Reading) -> str:
    """`Uptime 99.981 % PASS`; `no data` without a value."""
    value = "no data" if reading.value is None else shown_value(reading.key, reading.value)
    return f"{GATE_TITLES[reading.key]} {value} {reading.standing}"


def streak_of(verdict: Verdict) -> tuple[int | None, str]:
    """The API streak in days, and why it is no longer."""
    reading = next(one for one in verdict.gates if one.key is GateKey.INTELLIGENCE_API_DAYS)
    days = None if reading.value is None else int(reading.value)
    return days, told_once(reading)


def daily_data(
    verdict: Verdict,
    figures: DayFigures,
    day: BurnInDay | None,
    *,
    number: int,
    notes: str,
    operator: str,
) -> dict[str, Any]:
    """What the daily entry keeps; `number` is that of the stored verdict."""
    streak, why = streak_of(verdict)
    return {
        "burn_in": day.name if day else None,
        "day": day.number if day else None,
        "days": day.days if day else None,
        "decision": verdict.decision.value,
        "conclusive": verdict.conclusive,
        "within": verdict.within,
        "proven": verdict.proven,
        "verdict": number,
        "readings": [reading.to_json_dict() for reading in verdict.gates],
        **figures.to_dict(),
        "api_streak": streak,
        "api_streak_why": why,
        "notes": notes,
        "operator": operator,
    }


def daily_text(
    verdict: Verdict, figures: DayFigures, day: BurnInDay | None, *, notes: str, operator: str
) -> str:
    """The daily entry in lines that can be read aloud."""
    lines = [
        f"{str(day).capitalize() if day else 'No burn-in is open'}. {verdict.decision}."
        f" {criteria_line(verdict)}.",
        "; ".join(reading_text(reading) for reading in verdict.gates) + ".",
        "; ".join(f"{name}: {value}" for name, value in figures.rows()) + ".",
        f"API streak: {streak_of(verdict)[1]}",
    ]
    fired = [trigger.explanation for trigger in verdict.triggers if trigger.fired]
    lines.append(f"{counted(len(fired), 'trigger')} fired. {' '.join(fired)}".strip())
    lines += [f"Notes: {notes}"] if notes else []
    return "\n".join([*lines, f"Operator: {operator}"])
