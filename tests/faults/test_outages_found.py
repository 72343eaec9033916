"""Five outages of five kinds on a real platform, watched by a real portal at a 30 s interval."""

from __future__ import annotations

import json
import random
import statistics
import threading
import time
from datetime import datetime

import pytest

from tests.platform_server import KINDS, running_platform
from tests.portal_process import running_portal

pytestmark = [pytest.mark.fault, pytest.mark.slow]

LENGTHS_S = (20, 35, 50, 80, 120)


def test_every_outage_is_found_with_its_true_length(tmp_path):
    dice = random.Random()
    truth = {}

    with running_platform() as platform, running_portal(tmp_path) as portal:
        for kind in KINDS:
            portal.manage(
                "watch", platform.url(kind), "--name", kind, "--critical", "--assert", "[BODY].ok == true"
            )
        time.sleep(35)

        def script(kind, length):
            time.sleep(dice.uniform(0, 30))
            began = platform.fail(kind, kind)
            time.sleep(length)
            truth[kind] = (began, platform.mend(kind))

        threads = [threading.Thread(target=script, args=pair) for pair in zip(KINDS, LENGTHS_S, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        time.sleep(30)
        found = json.loads(portal.manage("outages", "--format", "json"))

    ours = [row for row in found if row["endpoint"] in KINDS]
    assert sorted(row["endpoint"] for row in ours) == sorted(KINDS)
    errors = []
    for row in ours:
        began, ended = truth[row["endpoint"]]
        assert not row["open"]
        assert row["min_s"] <= ended - began <= row["max_s"], row
        assert _seconds(row["last_good"]) <= began <= _seconds(row["first_bad"])
        assert _seconds(row["last_bad"]) <= ended <= _seconds(row["first_good"])
        errors.append(abs(row["likely_s"] - (ended - began)))
    assert statistics.median(errors) <= 6, errors


def _seconds(instant):
    return datetime.fromisoformat(instant).timestamp()
