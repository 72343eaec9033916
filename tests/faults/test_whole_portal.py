"""The portal as a person runs it: up, measuring, killed in parts, stopped, up again."""

from __future__ import annotations

import json
import os
import signal
import time

import psutil
import pytest

from tests.portal_process import running_portal, start_portal, stop_portal

pytestmark = [pytest.mark.fault, pytest.mark.slow]


def descendants(portal):
    return psutil.Process(portal.process.pid).children(recursive=True)


def program(portal, word):
    """The child whose command line has `word`."""
    return next(child for child in descendants(portal) if word in " ".join(child.cmdline()))


def wait_until(holds, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return
        time.sleep(0.25)
    raise AssertionError(f"not within {seconds} s")


def samples(portal):
    rows = json.loads(portal.manage("endpoints", "--format", "json"))
    return {row["name"]: row["last_at"] for row in rows if row["last_at"]}


def test_portal_measures_within_a_minute_and_keeps_it_over_a_restart(tmp_path):
    portal = start_portal(tmp_path)
    wait_until(lambda: len(samples(portal)) == 7, 60)
    token = portal.manage("create_token", "operator").split()[-1]
    status, body = portal.get("/api/intelligence/status", token)
    assert (status, body["ok"]) == (200, True)
    assert portal.get("/health")[0] == 200
    children = descendants(portal)
    before = samples(portal)

    assert stop_portal(portal) == 0
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]

    again = start_portal(tmp_path, portal.environment)
    try:
        assert again.ready_after_s <= 10
        assert set(samples(again)) == set(before)
        assert again.get("/api/intelligence/status", token)[0] == 200
    finally:
        stop_portal(again)


@pytest.mark.parametrize(
    "word",
    ["granian", "celery --app levqor worker", "celery --app levqor beat", "valkey-server", "bin/postgres"],
)
def test_portal_recovers_from_the_death_of_any_one_part(tmp_path, word):
    with running_portal(tmp_path) as portal:
        wait_until(lambda: len(samples(portal)) == 7, 60)
        token = portal.manage("create_token", "operator").split()[-1]
        before = portal.get("/api/intelligence/status", token)[1]["summary"]["health"]["total_checks"]

        killed = program(portal, word)
        os.kill(killed.pid, signal.SIGKILL)

        wait_until(lambda: _replaced(portal, word, killed.pid), 40)
        wait_until(lambda: _healthy(portal), 60)
        after = portal.get("/api/intelligence/status", token)[1]["summary"]["health"]["total_checks"]
        assert after >= before
        last = max(samples(portal).values())
        wait_until(lambda: max(samples(portal).values()) > last, 30)


def _replaced(portal, word, pid):
    try:
        return program(portal, word).pid != pid
    except (StopIteration, psutil.NoSuchProcess):
        return False


def _healthy(portal):
    try:
        return portal.get("/health")[0] == 200
    except OSError:
        return False
