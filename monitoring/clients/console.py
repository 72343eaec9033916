"""The console: one structured line in the log of the process that sends."""

from __future__ import annotations

import logging

from monitoring.domain.delivery import Answer, Outcome

logger = logging.getLogger("levqor.alerts")


def write(*, line: str, body: str) -> Answer:
    """This will log one notice as a warning."""
    logger.warning("%s | %s", line, " | ".join(body.splitlines()))
    return Answer(Outcome.SENT, "logged")
