"""Whole rehearsals. The seed's dates and a review 12.7 simulated days later; each in a database of its own."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from monitoring.domain.scenario import UnableToReadScenario, read_scenario
from monitoring.models import Endpoint, Verdict
from monitoring.services.scenario_files import scenario_from_yaml
from monitoring.services.simulated import run_in_own_database
from monitoring.services.simulation import simulate
from monitoring.services.verification import verify
from tenancy.services.databases import UnableToMakeDatabase, database_of_its_own
from tests.monitoring.services.weeks import as_owner

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

CLEAN = """
starts_at: 2025-11-11T16:00:00Z
days: 7
review_at: 2025-11-24T09:00:00Z
endpoints: {api: {interval: 300, critical: true}}
intelligence_api: {interval: 300}
costs: {default: 7.00}
"""


def own_name():
    return f"{connections['default'].settings_dict['NAME']}_sim"[-60:].lower()


def play(text, **options):
    return run_in_own_database(scenario_from_yaml(text), name=own_name(), **options)


def with_events(*events, interval=300, review="2025-11-19T09:00:00Z"):
    """The shortest burn-in that can end in GO, with what happens in it."""
    text = CLEAN.replace("2025-11-24T09:00:00Z", review).replace(
        "api: {interval: 300", f"api: {{interval: {interval}"
    )
    return text + "events:\n" + "".join(f"  - {event}\n" for event in events)


def gate(told, key):
    return next(one for one in told["verdict"]["gates"] if one["key"] == key)


def fired(told):
    return [one["key"] for one in told["verdict"]["triggers"] if one["fired"]]


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_clean_burn_in_of_the_seed_s_dates_ends_in_go():
    found = play(CLEAN, check=True)

    checkpoint, review = found.checkpoint["verdict"], found.review["verdict"]
    assert (checkpoint["decision"], checkpoint["within"], checkpoint["proven"]) == ("NO-GO", 4, 4)
    assert checkpoint["at"].startswith("2025-11-18T16:00:00")
    assert "6 consecutive days served" in gate(found.checkpoint, "intelligence_api_days")["explanation"]
    assert (review["decision"], review["within"], review["proven"]) == ("GO", 5, 5)
    assert review["at"].startswith("2025-11-24T09:00:00")
    assert found.outages == ()
    assert [day["verdict"]["at"][:10] for day in found.days] == [f"2025-11-{n}" for n in range(11, 25)]
    assert set(found.replay.values()) == {()}
    assert found.to_dict()["simulated"] is True


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_outage_of_130_s_ends_in_no_go_and_is_named():
    event = '{at: 2025-11-15T03:10:00Z, for: 130s, what: outage, endpoint: api, kind: "500"}'

    found = play(with_events(event, interval=60), check=True)

    assert (found.review["verdict"]["decision"], found.review["verdict"]["conclusive"]) == ("NO-GO", True)
    uptime = gate(found.review, "uptime")
    assert uptime["standing"] == "FAIL"
    assert "the longest was api" in uptime["explanation"]
    assert len(found.outages) == 1
    assert found.outages[0]["min_s"] <= 130 <= found.outages[0]["max_s"]
    assert found.outages[0]["likely_s"] == pytest.approx(130, abs=35)
    assert set(found.replay.values()) == {()}


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_prober_dead_for_six_hours_is_lack_of_evidence():
    found = play(with_events("{at: 2025-11-15T00:00:00Z, for: 6h, what: prober_dead}"))

    review = found.review["verdict"]
    assert (review["decision"], review["conclusive"]) == ("NO-GO", False)
    assert gate(found.review, "uptime")["standing"] == "ON TRACK"
    assert gate(found.review, "uptime")["coverage"] == pytest.approx(1 - 5.8 / 168, abs=0.002)
    assert fired(found.review) == []


@pytest.mark.long
@pytest.mark.timeout(1500)
@pytest.mark.parametrize(
    ("events", "trigger"),
    [
        (["{at: 2025-11-15T12:00:00Z, for: 1h, what: incident, severity: P1}"], "p1_incident"),
        (
            [
                "{at: 2025-11-15T08:00:00Z, what: heal, subsystem: api}",
                "{at: 2025-11-16T08:00:00Z, what: heal, subsystem: api}",
            ],
            "repeated_heal",
        ),
        (["{at: 2025-11-15T20:00:00Z, for: 20m, what: api_errors}"], "api_errors"),
    ],
)
def test_each_trigger_is_no_go_by_its_own_reason(events, trigger):
    found = play(with_events(*events))

    assert found.review["verdict"]["decision"] == "NO-GO"
    assert fired(found.review) == [trigger]


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_cost_spike_is_no_go():
    found = play(with_events().replace("{default: 7.00}", '{default: 7.00, "2025-11-14": 12.50}') + "  []\n")

    assert found.review["verdict"]["decision"] == "NO-GO"
    assert fired(found.review) == ["cost_spike"]
    assert "2025-11-14" in gate(found.review, "daily_cost")["explanation"]


SHORT = {
    "starts_at": "2025-11-11T16:00:00Z",
    "days": 1,
    "review_at": "2025-11-12T17:00:00Z",
    "endpoints": {"api": {"interval": 120, "critical": True}, "web": {"interval": 600}},
    "intelligence_api": {"interval": 600},
    "events": [
        {"at": "2025-11-11T18:00:00Z", "for": "10m", "what": "outage", "endpoint": "api", "kind": "drop"},
        {"at": "2025-11-11T20:00:00Z", "for": "1h", "what": "prober_dead"},
        {"at": "2025-11-11T22:00:00Z", "for": "10m", "what": "maintenance", "endpoint": "web"},
    ],
}


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_edited_row_is_named_and_the_portal_s_own_database_is_not_touched():
    name = own_name()
    with database_of_its_own(name):
        played = simulate(read_scenario(SHORT))
        number = played.review.number
        before = [verify(one.number).identical for one in played.verdicts]

        as_owner(
            "ALTER TABLE health_hours NO FORCE ROW LEVEL SECURITY;"
            "UPDATE health_hours SET bad = 0 WHERE at = '2025-11-11 18:00Z' AND bad > 0"
        )
        changed = [one.text for one in verify(number).differences]

    assert set(before) == {True}
    assert any(
        text.startswith("health_hours ") and "2025-11-11T18:00Z was changed" in text for text in changed
    )
    assert Verdict.objects.count() == 0
    assert not Endpoint.objects.filter(name="api").exists()
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname = %s", [name])
        assert cursor.fetchone() == (0,)


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_day_with_an_outage_and_a_dead_prober_is_found_as_it_was_scripted():
    found = run_in_own_database(read_scenario(SHORT), name=own_name(), check=True)

    assert len(found.outages) == 1
    outage = found.outages[0]
    assert (outage["endpoint"], outage["error"]) == ("api", "the connection was closed without an answer")
    assert outage["min_s"] <= 600 <= outage["max_s"]
    assert found.review["verdict"]["decision"] == "NO-GO"
    assert set(found.replay.values()) == {()}


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_command_says_simulated_everywhere(tmp_path, capsys):
    path = tmp_path / "short.yaml"
    path.write_text(json.dumps(SHORT))

    with pytest.raises(SystemExit) as left:
        call_command("simulate_burnin", str(path), "--format", "json", "--verify")

    told = json.loads(capsys.readouterr().out)
    assert left.value.code == 1
    assert told["simulated"] is True
    assert all(
        one["simulated"] for one in (*told["days"], told["checkpoint"], told["review"], *told["outages"])
    )
    assert set(told["replay"].values()) == {"identical"}


def test_command_names_the_line_of_a_fault(tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text(CLEAN + "events:\n  - {at: 2025-11-13T03:10:00Z, for: 1h, what: flood}\n")

    with pytest.raises(CommandError, match=r"Line 9: events\[0\]\.what: must be one of outage"):
        call_command("simulate_burnin", str(path))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "This is not YAML"),
        ("a: 1\na: 2", "Line 2: a: is given twice"),
        ("a: &x 1\nb: *x", "no aliases"),
        ("starts_at: 2025-11-31T00:00:00Z", "cannot be read"),
        ("", "must be a mapping"),
        ("#" * 300_000, "at most"),
        ("[" * 5000, "nested so deep|not YAML"),
        (
            "starts_at: 2025-11-11T16:00:00Z\nreview_at: x\nendpoints: {a: {interval: 30}}",
            "Line 2: review_at",
        ),
        ("starts_at: 2025-11-11T16:00:00Z\nendpoints: {}", "Line 1: review_at is missing"),
        ("!!python/object/apply:os.system ['true']", "must be a mapping"),
    ],
)
def test_what_cannot_be_read_is_said(text, says):
    with pytest.raises(UnableToReadScenario, match=says):
        scenario_from_yaml(text)


def test_database_that_is_there_is_not_taken():
    name = connections["default"].settings_dict["NAME"]

    with pytest.raises(UnableToMakeDatabase, match="the portal's own"), database_of_its_own(name):
        pass
    with pytest.raises(UnableToMakeDatabase, match="is no name"), database_of_its_own("No such"):
        pass
    with pytest.raises(UnableToMakeDatabase, match="already"), database_of_its_own("postgres"):
        pass


def test_database_is_dropped_even_after_an_error():
    name = own_name()

    with pytest.raises(ZeroDivisionError), database_of_its_own(name):
        raise ZeroDivisionError

    assert connections["default"].settings_dict["NAME"] != name
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname = %s", [name])
        assert cursor.fetchone() == (0,)
