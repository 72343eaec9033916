"""How a notice is sent until the provider takes it: what an answer means, and when to try again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(seconds=60)
# A provider that asks for more patience than this is asked again anyway.
LONGEST_RETRY_AFTER = timedelta(hours=1)
# What could not be told for so long is old news: it is given up, visibly.
GIVE_UP_AFTER = timedelta(hours=24)


class ChannelName(StrEnum):
    """Where notices go."""

    CONSOLE = "console"
    DATABASE = "database"
    SLACK = "slack"
    EMAIL = "email"


class Event(StrEnum):
    """What a notice tells."""

    FIRED = "fired"
    RESOLVED = "resolved"
    REMINDER = "reminder"
    ACKNOWLEDGED = "acknowledged"


class DeliveryState(StrEnum):
    """Where a notice is on its way."""

    PENDING = "pending"
    # Only if the provider said so.
    SENT = "sent"
    # The provider refused it for good, or it could not be told for a day.
    FAILED = "failed"
    # Never tried: the channel is not set up, or the alert was muted. The answer says which.
    SKIPPED = "skipped"


class Outcome(StrEnum):
    """What one attempt to send came to."""

    SENT = "sent"
    # Not now: the provider is away, busy or asks for patience.
    LATER = "later"
    # Never: the provider will not take this notice however often it comes.
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider said. `unclear`: it may have taken the notice all the same, as in a time-out after it
    accepted."""

    outcome: Outcome
    text: str
    retry_after: timedelta | None = None
    unclear: bool = False


def answer_of_status(status: int, body: str, retry_after: str = "") -> Answer:
    """What an HTTP answer to a webhook means: 200 took it, 408, 429 and 5xx later, anything else never."""
    text = f"{status} {body}".strip()
    if status == 200:
        return Answer(Outcome.SENT, text)
    if status in (408, 425, 429) or status >= 500:
        return Answer(Outcome.LATER, text, retry_after=parse_retry_after(retry_after))
    return Answer(Outcome.REFUSED, text)


def parse_retry_after(text: str) -> timedelta | None:
    """The seconds of a Retry-After header, at most an hour; None for anything else, a date too."""
    text = text.strip()
    if not text.isascii() or not text.isdigit():
        return None
    return min(timedelta(seconds=min(int(text[:9]), 10**9)), LONGEST_RETRY_AFTER)


def wait_before(attempt: int, answer: Answer) -> timedelta:
    """How long to wait after the `attempt`-th attempt (from 1): doubling from 1 s to 60 s, never less than
    the provider asked for."""
    times: int = 2 ** min(max(attempt - 1, 0), 10)
    doubled = min(FIRST_WAIT * times, LONGEST_WAIT)
    return max(doubled, answer.retry_after) if answer.retry_after is not None else doubled


def state_after(answer: Answer, *, age: timedelta) -> DeliveryState:
    """Where a notice of `age` stands after an attempt with `answer`."""
    if answer.outcome is Outcome.SENT:
        return DeliveryState.SENT
    if answer.outcome is Outcome.REFUSED or age >= GIVE_UP_AFTER:
        return DeliveryState.FAILED
    return DeliveryState.PENDING
