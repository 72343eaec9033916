import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from monitoring.domain.observing import Source
from monitoring.models import BurnIn, Endpoint
from monitoring.services.recording import record_probes
from tests.factories import make_endpoint, make_result

pytestmark = pytest.mark.django_db


def run(*words):
    """The output of a command, and its exit code."""
    out, err = StringIO(), StringIO()
    code = 0
    try:
        call_command(*words, stdout=out, stderr=err)
    except SystemExit as stop:
        code = stop.code
    return out.getvalue() + err.getvalue(), code


def test_watch_says_what_it_will_do():
    output, _ = run("watch", "https://shop.example.com/health", "--critical", "--assert", "[BODY].ok == true")

    assert output == (
        "Watching https://shop.example.com/health as 'shop.example.com/health' every 30 s, "
        "with a pulse every 10 s; counts for the uptime gate.\n"
    )
    assert Endpoint.objects.get().conditions == ["[BODY].ok == true"]


def test_watch_refuses_what_it_cannot_probe():
    with pytest.raises(CommandError):
        run("watch", "gopher://example.com")
    with pytest.raises(CommandError, match="has no colon"):
        run("watch", "https://example.com", "--header", "X-Api-Key")


def test_unwatch_says_what_follows_for_the_gate():
    make_endpoint("shop", critical=True)

    output, _ = run("unwatch", "shop")

    assert "No longer probing 'shop'." in output
    assert "cannot be proven" in output


def test_unwatch_of_a_stranger_says_how_to_find_the_name():
    with pytest.raises(CommandError, match=r"manage\.py endpoints"):
        run("unwatch", "ghost")


def test_endpoints_lists_standing_and_latency():
    endpoint = make_endpoint("shop")
    record_probes([(endpoint, make_result(endpoint, timezone.now()))], source=Source.MONITOR)

    table, _ = run("endpoints")
    rows = json.loads(run("endpoints", "--format", "json")[0])

    assert "shop  up        200     20.0 ms" in table
    assert rows[0]["standing"] == "up"


def test_endpoints_says_how_to_begin():
    assert "manage.py watch" in run("endpoints")[0]


def test_outages_gives_the_bounds_as_data():
    endpoint = make_endpoint("shop")
    start = timezone.now() - timedelta(minutes=5)
    for second, ok in [(0, True), (30, False), (35, False), (40, True)]:
        result = make_result(endpoint, start + timedelta(seconds=second), ok=ok)
        record_probes([(endpoint, result)], source=Source.MONITOR)

    rows = json.loads(run("outages", "--format", "json", "--endpoint", "shop")[0])
    table, _ = run("outages")

    assert set(rows[0]) == {
        "endpoint", "last_good", "first_bad", "last_bad", "first_good", "min_s", "likely_s", "max_s", "open",
    }  # fmt: skip
    assert (rows[0]["min_s"], rows[0]["max_s"], rows[0]["open"]) == (4.98, 40.02, False)
    assert "shop: 5 to 40 s, likely" in table


def test_outages_of_nothing_says_so():
    assert run("outages")[0] == "No outage.\n"
    assert run("outages", "--format", "json")[0] == "[]\n"
    with pytest.raises(CommandError, match="is no instant"):
        run("outages", "--since", "yesterday")


def test_go_nogo_prints_the_agreed_json():
    output, code = run("go_nogo", "--format", "json")

    verdict = json.loads(output)
    assert code == 2
    assert set(verdict) == {
        "at", "window", "decision", "conclusive", "within", "proven", "gates", "triggers", "policy_version",
        "hash",
    }  # fmt: skip
    assert [gate["key"] for gate in verdict["gates"]] == [
        "uptime", "error_rate", "p1_incidents", "intelligence_api_days", "daily_cost",
    ]  # fmt: skip
    assert set(verdict["gates"][0]) == {
        "key", "value", "low", "high", "limit", "unit", "standing", "within", "proven", "coverage", "samples",
        "explanation",
    }  # fmt: skip
    assert set(verdict["triggers"][0]) == {"key", "fired", "explanation"}
    assert len(verdict["hash"]) == 64


def test_go_nogo_table_names_the_five_gates():
    output, code = run("go_nogo")

    assert code == 2
    assert "Criteria met: 0/5 (proven 0/5)" in output


def test_burnin_starts_and_tells():
    assert "manage.py burnin start" in run("burnin", "status")[0]

    output, _ = run("burnin", "start", "--name", "first", "--days", "7")

    assert output.startswith("first: day 0/7, running, policy 1.")
    assert BurnIn.objects.current().get().name == "first"
    with pytest.raises(CommandError, match="already"):
        run("burnin", "start", "--name", "first")
