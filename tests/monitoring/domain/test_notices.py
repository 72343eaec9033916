from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitoring.domain.delivery import Event
from monitoring.domain.notices import AlertFacts, notice_of

NOON = datetime(2025, 11, 15, 12, tzinfo=UTC)
FACTS = AlertFacts(
    number=7,
    rule="Endpoint down",
    subject="shop",
    severity="P2",
    summary="shop is down: status 500 instead of 200",
    breached_since=NOON,
    fired_at=NOON + timedelta(seconds=5),
)


@pytest.mark.parametrize(
    ("event", "facts", "line", "body"),
    [
        (
            Event.FIRED,
            FACTS,
            "[P2] Firing: Endpoint down: shop",
            "shop is down: status 500 instead of 200\n"
            "Since 2025-11-15 12:00:00 UTC, firing since 2025-11-15 12:00:05 UTC.\nAlert 7.",
        ),
        (
            Event.RESOLVED,
            replace(FACTS, summary="shop answers.", resolved_at=NOON + timedelta(minutes=3)),
            "[P2] Resolved: Endpoint down: shop",
            "shop answers.\nFrom 2025-11-15 12:00:00 UTC to 2025-11-15 12:03:00 UTC, 3 min.\nAlert 7.",
        ),
        (
            Event.ACKNOWLEDGED,
            replace(FACTS, by="ann", why="deploy"),
            "[P2] Acknowledged: Endpoint down: shop",
            "shop is down: status 500 instead of 200\n"
            "Since 2025-11-15 12:00:00 UTC, firing since 2025-11-15 12:00:05 UTC.\n"
            "Acknowledged by ann: deploy\nAlert 7.",
        ),
    ],
)
def test_notice_of(event, facts, line, body):
    notice = notice_of(event, facts)

    assert notice.line == line
    assert notice.body == body


def test_a_name_cannot_make_a_second_line():
    notice = notice_of(
        Event.FIRED, replace(FACTS, subject="shop\r\nBcc: all@example.com", summary="a\nb\x00")
    )

    assert notice.line == "[P2] Firing: Endpoint down: shop Bcc: all@example.com"
    assert notice.body.splitlines()[0] == "a b"


def test_a_long_name_is_cut():
    assert len(notice_of(Event.FIRED, replace(FACTS, subject="x" * 1000)).line) == 300
