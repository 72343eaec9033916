"""Alerts through real processes: every rule fires and resolves once, and no notice is lost on its way."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import psutil
import pytest

from tests.mail_server import Mailbox, running_mail_server
from tests.platform_server import Platform, running_platform
from tests.portal_process import Portal, portal_environment, start_portal, stop_portal
from tests.slack_server import Slack, running_slack

pytestmark = [pytest.mark.fault, pytest.mark.slow, pytest.mark.timeout(900)]


@contextmanager
def told_portal(folder) -> Iterator[tuple[Portal, Platform, Slack, Mailbox]]:
    """A portal that tells a stand-in of Slack and a mail server."""
    with running_platform() as platform, running_slack() as slack, running_mail_server() as mailbox:
        environment = portal_environment(folder) | {
            "SLACK_WEBHOOK_URL": slack.url,
            "EMAIL_URL": f"smtp://127.0.0.1:{mailbox.port}",
            "ALERT_EMAIL_TO": "ops@example.com",
        }
        portal = start_portal(folder, environment)
        try:
            yield portal, platform, slack, mailbox
        finally:
            if portal.process.poll() is None:
                stop_portal(portal)


def process_of(portal: Portal, *words: str) -> psutil.Process:
    """The newest process of the portal whose command line has all `words`."""
    found = [
        one
        for one in psutil.Process(portal.process.pid).children(recursive=True)
        if all(word in one.cmdline() for word in words)
    ]
    return max(found, key=lambda one: one.create_time())


def wait_until(true, *, seconds: float, what: str) -> float:
    """Waits until `true()` is; returns how long it took."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if true():
            return time.monotonic() - began
        time.sleep(0.5)
    raise AssertionError(f"not within {seconds} s: {what}")


def told(slack: Slack, verb: str, rule: str, subject: str = "") -> list[str]:
    """The texts in which Slack was told this."""
    return [
        text for text in slack.texts if re.match(rf"\*\[P\d\] {verb}: {rule}: {re.escape(subject)}", text)
    ]


def test_a_minute_without_slack_and_a_killed_worker_lose_no_notice(tmp_path):
    names = [f"shop-{number}" for number in range(12)]

    with told_portal(tmp_path) as (portal, platform, slack, mailbox):
        for name in names:
            portal.manage("watch", platform.url(name), "--name", name, "--interval", "5")
        wait_until(lambda: {name for _, name in platform.hits} >= set(names), seconds=30, what="probed")
        slack.kill()
        for name in names:
            platform.fail(name, "500")
        time.sleep(25)
        os.kill(process_of(portal, "worker").pid, signal.SIGKILL)
        time.sleep(35)
        slack.start()
        wait_until(
            lambda: all(told(slack, "Firing", "Endpoint down", f"{name}*") for name in names),
            seconds=150,
            what="every outage told to Slack",
        )
        for name in names:
            platform.mend(name)
        wait_until(
            lambda: all(told(slack, "Resolved", "Endpoint down", f"{name}*") for name in names),
            seconds=90,
            what="every end told to Slack",
        )
        time.sleep(3)

    for name in names:
        for verb in ("Firing", "Resolved"):
            copies = told(slack, verb, "Endpoint down", f"{name}*")
            # More than one copy only where an answer was lost, and then it says so.
            assert all("may be a duplicate" in copy for copy in copies[1:])
            assert len(copies) <= 2
        texts = slack.texts
        assert texts.index(told(slack, "Firing", "Endpoint down", f"{name}*")[0]) < texts.index(
            told(slack, "Resolved", "Endpoint down", f"{name}*")[0]
        )
        assert sum(f"Firing: Endpoint down: {name}\r" in mail for mail in mailbox.texts) == 1
    times = [at for at, _ in slack.requests]
    assert all(later - earlier > 0.95 for earlier, later in pairwise(times))


def test_the_rules_fire_and_resolve_once(tmp_path):
    """Seven of the nine by real causes; what feeds the two on SLOs is shown where SLOs are tested."""
    with told_portal(tmp_path) as (portal, platform, slack, _):

        def row(code: str) -> None:
            portal.manage("shell", "--no-imports", "-c", f"from monitoring.models import *\n{code}")

        def checked() -> list[str]:
            listed = json.loads(portal.manage("alert_checks", "--format", "json", check=False))
            assert listed["fault"] == ""
            return sorted(alert["rule"] for alert in listed["firing"])

        portal.manage("watch", platform.url("shop"), "--name", "shop", "--interval", "5")
        # The error rate looks back an hour; with a shorter look it can recover within the test.
        row("AlertRule.objects.filter(key='error_rate').update(window_s=60)")
        wait_until(lambda: len(platform.hits) > 3, seconds=30, what="probed")
        quiet = checked()

        platform.fail("shop", "500")
        row(
            "import datetime\n"
            "from django.utils import timezone as t\n"
            "CostEntry.objects.create(day=t.now().date(), service='llm', amount=20, kind='metered', source='x')\n"
            "EndpointState.objects.filter(endpoint__name='shop').update("
            "certificate_expires_at=t.now() + datetime.timedelta(days=3))\n"
            "JobRun.objects.create(job='sentry_health', scheduled_for=t.now(), created_at=t.now(),"
            " state='done', outcome='error', summary='no answer', finished_at=t.now())"
        )
        expected = [
            "5xx_burst",
            "certificate",
            "daily_cost",
            "endpoint_down",
            "error_rate",
            "job_late_or_failed",
        ]
        wait_until(lambda: checked() == expected, seconds=90, what=f"{expected} fire")

        platform.mend("shop")
        row(
            "import datetime\n"
            "from django.utils import timezone as t\n"
            "CostEntry.objects.filter(source='x').delete()\n"
            "EndpointState.objects.filter(endpoint__name='shop').update("
            "certificate_expires_at=t.now() + datetime.timedelta(days=90))\n"
            "JobRun.objects.filter(job='sentry_health').update(outcome='ok')"
        )
        wait_until(lambda: checked() == [], seconds=180, what="all resolved")

        beat = process_of(portal, "beat")
        beat.suspend()
        silent_s = wait_until(lambda: told(slack, "Firing", "Beat silent"), seconds=120, what="beat told")
        beat.resume()
        wait_until(lambda: told(slack, "Resolved", "Beat silent"), seconds=60, what="beat's end told")
        notices = portal.manage(
            "shell",
            "--no-imports",
            "-c",
            "from monitoring.models import *\n"
            "print([list(r) for r in AlertDelivery.objects.filter(channel='database').order_by('id')"
            ".values_list('episode__rule_key', 'event')])",
        )

    assert quiet == []
    events = [tuple(pair) for pair in json.loads(notices.strip().splitlines()[-1].replace("'", '"'))]
    for rule in [*expected, "beat_silent"]:
        assert [event for key, event in events if key == rule] == ["fired", "resolved"], rule
    # 30 s until it counts as silent, 30 s that it must last, and the looks of the watchdog between.
    assert 55 < silent_s < 95
