"""Publishes the burn-in report: the Notion page is replaced, Slack gets a message, the ops log says what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from celery import current_app
from django.conf import settings
from django.db import connection, transaction

from monitoring.clients import notion, slack
from monitoring.domain.delivery import Outcome
from monitoring.domain.notion_blocks import report_blocks
from monitoring.domain.opslog import OpsKind, reading_text
from monitoring.domain.reports import Report
from monitoring.domain.verdict_text import criteria_line, headline
from monitoring.services.ops_log import write_entry
from monitoring.services.reports import gather_report

# Two that replace the page at once would delete each other's blocks.
_LOCK = 1986359924
TASK = "monitoring.tasks.publish_report"


class UnableToStartPublishing(RuntimeError):
    """Somebody else is publishing at this moment."""


@dataclass(frozen=True, slots=True)
class Published:
    """What one channel came to. `state` is sent, failed or skipped (not set up)."""

    channel: str
    state: str
    answer: str

    def __str__(self) -> str:
        return f"{self.channel}: {self.state}, {self.answer}"


def request_publication(*, actor: str) -> None:
    """This will hand the publication to a worker once the caller's transaction is committed."""
    transaction.on_commit(partial(current_app.send_task, TASK, kwargs={"actor": actor}))


def publish_report(*, now: datetime, actor: str) -> tuple[Published, ...]:
    """This will publish the report of this moment to the channels that are set up, outside any transaction.

    Raises:
        UnableToStartPublishing: while another publication runs.
        UnableToJudge: when the policy asks for a window that does not exist.
    """
    report = gather_report(now=now)
    with _one_at_a_time():
        done = (_to_notion(report), _to_slack(report))
    with transaction.atomic():
        write_entry(
            OpsKind.PUBLISHED,
            at=now,
            actor=actor,
            text=f"{report.title}. " + "; ".join(str(one) for one in done),
            data={one.channel: one.state for one in done},
        )
    return done


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    # The session holds the lock, not the transaction: none is open while the outside is called.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            raise UnableToStartPublishing("The report is being published by somebody else. Try again.")
    try:
        yield
    finally:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _to_notion(report: Report) -> Published:
    for name in ("NOTION_TOKEN", "NOTION_REPORT_PAGE_ID"):
        if not getattr(settings, name):
            return Published("notion", "skipped", f"not set up: {name} is empty")
    try:
        gone = notion.replace_page(
            settings.NOTION_REPORT_PAGE_ID,
            report_blocks(report),
            token=settings.NOTION_TOKEN,
            base_url=settings.NOTION_BASE_URL,
        )
    except notion.UnableToPublish as error:
        return Published("notion", "failed", str(error))
    return Published("notion", "sent", f"page replaced, {gone} old blocks removed")


def _to_slack(report: Report) -> Published:
    if not settings.SLACK_WEBHOOK_URL:
        return Published("slack", "skipped", "not set up: SLACK_WEBHOOK_URL is empty")
    answer = slack.post(
        settings.SLACK_WEBHOOK_URL, line=headline(report.verdict), body="\n".join(slack_lines(report))
    )
    return Published("slack", "sent" if answer.outcome is Outcome.SENT else "failed", answer.text)


def slack_lines(report: Report) -> list[str]:
    """The message under its first line: burn-in, gates, reasons."""
    lines = [f"{report.burn_in}. {report.stage} {criteria_line(report.verdict)}."]
    lines += [reading_text(reading) for reading in report.verdict.gates]
    return lines + [f"{number}. {text}" for number, text in enumerate(report.verdict.reasons, start=1)]
