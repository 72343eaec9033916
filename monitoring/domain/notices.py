"""What a notice says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from monitoring.domain.delivery import Event
from monitoring.domain.figures import duration

LONGEST_LINE = 300
_VERBS = {
    Event.FIRED: "Firing",
    Event.RESOLVED: "Resolved",
    Event.REMINDER: "Still firing",
    Event.ACKNOWLEDGED: "Acknowledged",
}
DUPLICATE_NOTE = (
    "Sent again, because the provider's answer to an earlier attempt was lost: this may be a duplicate."
)


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """What an alert is about, as its episode keeps it."""

    number: int
    rule: str
    subject: str
    severity: str
    summary: str
    breached_since: datetime
    fired_at: datetime
    resolved_at: datetime | None = None
    # Who acknowledged or resolved it, and why; empty when it ended by itself.
    by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A line for a subject and a text of some lines."""

    line: str
    body: str


def notice_of(event: Event, facts: AlertFacts) -> Notice:
    """The words for one event of one alert; every line of them is one line, whatever the names hold."""
    line = f"[{facts.severity}] {_VERBS[event]}: {facts.rule}: {facts.subject}"
    lines = [facts.summary]
    if event is Event.RESOLVED and facts.resolved_at is not None:
        lasted = duration((facts.resolved_at - facts.breached_since).total_seconds())
        lines.append(f"From {_moment(facts.breached_since)} to {_moment(facts.resolved_at)}, {lasted}.")
    else:
        lines.append(f"Since {_moment(facts.breached_since)}, firing since {_moment(facts.fired_at)}.")
    if facts.by:
        lines.append(f"{_VERBS[event]} by {facts.by}: {facts.why}")
    lines.append(f"Alert {facts.number}.")
    return Notice(one_line(line)[:LONGEST_LINE], "\n".join(one_line(text) for text in lines))


def one_line(text: str) -> str:
    """`text` without line breaks and other control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
