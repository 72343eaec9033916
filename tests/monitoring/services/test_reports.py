"""The burn-in report of a week of real rows, and its way to Notion and Slack."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from xml.etree import ElementTree as ET

import pytest
import time_machine
from django.core.management import CommandError, call_command

from monitoring.domain.day_readings import DayStanding
from monitoring.domain.reports import report_markdown
from monitoring.models import OpsLogEntry
from monitoring.services.daily_check import record_daily_check
from monitoring.services.publishing import UnableToStartPublishing, publish_report
from monitoring.services.report_pages import report_charts, report_html
from monitoring.services.reports import gather_report
from tests.factories import NOON
from tests.monitoring.services.weeks import DAY, HOUR, good_week
from tests.notion_server import PAGE, TOKEN, running_notion

pytestmark = pytest.mark.django_db


@pytest.fixture
def slack():
    """A local server that takes webhooks: its address, and what it took."""
    taken = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/services/T/B/x", taken
    server.shutdown()
    server.server_close()
    thread.join()


def test_report_shows_the_outage_the_gap_and_each_day():
    good_week(bad=[(NOON - 31 * HOUR, NOON - 28 * HOUR)], until=NOON - 4 * HOUR)

    report = gather_report(now=NOON)

    shop = next(one for one in report.endpoints if one.name == "shop")
    assert {stretch.state.value for stretch in shop.strip} == {"up", "down", "unknown"}
    by_hour = {point.at: point for point in report.hours}
    assert by_hour[NOON - 30 * HOUR].error_percent == pytest.approx(100 / 6)
    assert by_hour[NOON - 20 * HOUR].error_percent == 0
    assert by_hour[NOON - 2 * HOUR].error_percent is None
    assert by_hour[NOON - 2 * HOUR].latency_ms is None
    assert len(report.costs) == 8
    assert set(report.api_days.values()) == {DayStanding.UNOBSERVED}
    assert report.stage.startswith("Day 7/7, running; review 2025-11-19")


def test_html_report_needs_nothing_else_and_its_charts_are_xml():
    good_week()
    record_daily_check(now=NOON, operator="<b>ada</b>", notes="<script>alert(1)</script>")

    report = gather_report(now=NOON)
    page = report_html(report)

    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    charts = report_charts(report)
    for name in ("errors", "latency", "costs", "calendar"):
        ET.fromstring(str(charts[name]))
    assert page.count("<svg") == 4 + len(report.endpoints)
    assert "@media print" in page


def test_markdown_report_cannot_be_broken_by_what_people_typed():
    good_week()
    record_daily_check(now=NOON, operator="ada", notes="# no heading\n| no | table |")

    text = report_markdown(gather_report(now=NOON))

    assert "\n# no heading" not in text
    assert "\\| no \\| table" in text
    for heading in ("Uptime by endpoint", "Error rate by hour", "Latency by hour", "Cost by day", "Ops log"):
        assert f"## {heading}" in text


def test_report_without_anything_shows_absence():
    report = gather_report(now=NOON)

    assert report.burn_in == "no burn-in is open"
    assert "no data" in report_html(report)
    assert "No data." in report_markdown(report)


def test_publishing_replaces_the_page_and_tells_slack(settings, slack):
    good_week()
    url, taken = slack
    with running_notion() as notion:
        settings.NOTION_TOKEN, settings.NOTION_REPORT_PAGE_ID = TOKEN, PAGE
        settings.NOTION_BASE_URL, settings.SLACK_WEBHOOK_URL = notion.url, url

        publish_report(now=NOON, actor="ada")
        first = {block["id"] for block in notion.blocks}
        done = publish_report(now=NOON + HOUR, actor="ada")

        assert [one.state for one in done] == ["sent", "sent"]
        # Replaced and not appended: nothing of the first publication is left.
        assert notion.blocks
        assert not first & {block["id"] for block in notion.blocks}
        assert "NO-GO" in notion.text()
        assert "daily" not in notion.calls[0]
    assert len(taken) == 2
    assert "Uptime" in taken[0]
    assert OpsLogEntry.objects.filter(kind="published", actor="ada").count() == 2


def test_publishing_says_which_setting_is_empty_and_what_failed(settings):
    good_week()
    settings.NOTION_TOKEN, settings.NOTION_REPORT_PAGE_ID = TOKEN, ""
    settings.SLACK_WEBHOOK_URL = "http://127.0.0.1:9/services"

    done = publish_report(now=NOON, actor="ada")

    assert (done[0].state, done[0].answer) == ("skipped", "not set up: NOTION_REPORT_PAGE_ID is empty")
    assert done[1].state == "failed"


def test_two_publications_at_once_are_refused(settings, monkeypatch):
    good_week()
    monkeypatch.setattr("monitoring.services.publishing._to_notion", lambda report: _from_elsewhere())
    settings.SLACK_WEBHOOK_URL = ""

    with pytest.raises(UnableToStartPublishing, match="somebody else"):
        publish_report(now=NOON, actor="ada")


def _from_elsewhere():
    """What a second process would meet: the lock, asked for on a connection of its own."""
    from django.db import connections

    from monitoring.services.publishing import _LOCK

    other = connections["default"].copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
            if not cursor.fetchone()[0]:
                raise UnableToStartPublishing("somebody else holds the lock")
    finally:
        other.close()


@time_machine.travel(NOON + DAY / 4, tick=False)
def test_report_command_writes_a_file_and_publishes(tmp_path, settings):
    good_week()
    settings.SLACK_WEBHOOK_URL = settings.NOTION_TOKEN = ""
    out = StringIO()

    call_command("burnin_report", stdout=out)
    call_command("burnin_report", format="html", out=tmp_path / "report.html", stdout=out)
    call_command("burnin_report", publish=True, stdout=out)

    assert "# Burn-in report: week, 15 Nov 2025" in out.getvalue()
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")
    assert "slack: skipped, not set up: SLACK_WEBHOOK_URL is empty" in out.getvalue()
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("burnin_report", out=tmp_path / "none" / "report.md", stdout=out)
