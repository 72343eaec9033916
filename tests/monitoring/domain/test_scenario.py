import re
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.probes import ErrorClass
from monitoring.domain.scenario import EventKind, FailureKind, UnableToReadScenario, read_scenario
from monitoring.domain.scripted import ScriptedPlatform

START = datetime(2025, 11, 11, 16, tzinfo=UTC)
OUTAGE = {"at": "2025-11-13T03:10:00Z", "for": "130s", "what": "outage", "endpoint": "api"}


def written(**changes):
    return {
        "starts_at": "2025-11-11T16:00:00Z",
        "review_at": "2025-11-24T09:00:00Z",
        "endpoints": {"api": {"interval": 30, "critical": True}},
        **changes,
    }


def test_whole_scenario_is_read():
    scenario = read_scenario(
        written(
            costs={"default": 7.00, "2025-11-14": 12.50, date(2025, 11, 15): "3"},
            events=[
                {**OUTAGE, "kind": "hang"},
                {"at": datetime(2025, 11, 14, tzinfo=UTC), "for": "6h", "what": "prober_dead"},
                {"at": "2025-11-15T12:00:00Z", "what": "incident", "severity": "P1"},
                {"at": "2025-11-16T08:00:00Z", "what": "heal", "subsystem": "api"},
            ],
        )
    )

    assert scenario.ends_at == START + timedelta(days=7)
    assert scenario.endpoints[0].pulse_s == 30
    assert scenario.cost_of(date(2025, 11, 14)) == Decimal("12.5")
    assert scenario.cost_of(date(2025, 11, 15)) == Decimal(3)
    assert scenario.cost_of(date(2025, 11, 16)) == Decimal(7)
    assert [event.what for event in scenario.events] == list(EventKind)[:4]
    assert scenario.events[0].kind is FailureKind.HANG
    assert scenario.events[0].until - scenario.events[0].at == timedelta(seconds=130)


@pytest.mark.parametrize(
    ("changes", "path", "says"),
    [
        ({"colour": 1}, "colour", "is not known here"),
        ({"starts_at": "2025-11-11"}, "starts_at", "instant with its zone"),
        ({"starts_at": "soon"}, "starts_at", "instant with its zone"),
        ({"starts_at": "2025-11-11T16:00:00.5Z"}, "starts_at", "whole second"),
        ({"days": 0}, "days", "whole number"),
        ({"days": True}, "days", "whole number"),
        ({"review_at": "2025-11-12T09:00:00Z"}, "review_at", "must come after"),
        ({"review_at": "2026-11-12T09:00:00Z"}, "review_at", "within 60 days"),
        ({"endpoints": {}}, "endpoints", "mapping of 1 to 20"),
        ({"endpoints": {"A b": {"interval": 30}}}, "endpoints.A b", "small letters"),
        ({"endpoints": {"api": {}}}, "endpoints.api", "interval is missing"),
        ({"endpoints": {"api": 30}}, "endpoints.api", "must be a mapping"),
        ({"endpoints": {"api": {"interval": 1}}}, "endpoints.api.interval", "from 5 to 3600"),
        (
            {"endpoints": {"api": {"interval": 30, "critical": "yes"}}},
            "endpoints.api.critical",
            "true or false",
        ),
        ({"costs": 7}, "costs", "must be a mapping"),
        ({"costs": {"14 Nov": 7}}, "costs.14 Nov", "UTC day"),
        ({"costs": {7: 7}}, "costs.7", "UTC day"),
        ({"costs": {"default": -1}}, "costs.default", "amount of US dollars"),
        ({"events": {}}, "events", None),
        ({"events": "no"}, "events", "list of at most"),
        ({"events": [{"what": "outage"}]}, "events[0]", "at is missing"),
        ({"events": [{**OUTAGE, "what": "flood"}]}, "events[0].what", "must be one of outage"),
        ({"events": [{**OUTAGE, "kind": "418"}]}, "events[0].kind", "must be one of 500"),
        ({"events": [{**OUTAGE, "endpoint": ["api"]}]}, "events[0].endpoint", "none of the endpoints: api"),
        ({"events": [{**OUTAGE, "endpoint": "web"}]}, "events[0].endpoint", "none of the endpoints: api"),
        ({"events": [{**OUTAGE, "for": "2 min"}]}, "events[0].for", "length such as 130s"),
        ({"events": [{**OUTAGE, "severity": "P1"}]}, "events[0].severity", "is not known here"),
        ({"events": [{**OUTAGE, "at": "2025-11-10T00:00:00Z"}]}, "events[0].at", "between"),
        ({"events": [{**OUTAGE, "for": "30d"}]}, "events[0].at", "between"),
        ({"events": [{**OUTAGE, "for": "9999999d"}]}, "events[0].for", "longer than any"),
        (
            {"events": [OUTAGE, {**OUTAGE, "at": "2025-11-13T03:11:00Z"}]},
            "events[1].at",
            "overlaps events[0]",
        ),
        (
            {"events": [{"at": OUTAGE["at"], "what": "heal", "subsystem": ""}]},
            "events[0].subsystem",
            "1 to 64",
        ),
        (
            {"events": [{"at": OUTAGE["at"], "what": "heal", "subsystem": "api"}] * 2},
            "events[1].at",
            "overlaps events[0]",
        ),
        (
            {"events": [{"at": OUTAGE["at"], "what": "incident", "severity": "P9"}]},
            "events[0].severity",
            "one of P1",
        ),
    ],
)
def test_fault_names_its_entry(changes, path, says):
    if says is None:  # an empty mapping is no events, as an empty list is
        assert read_scenario(written(**changes)).events == ()
        return

    with pytest.raises(UnableToReadScenario, match=re.escape(says)) as caught:
        read_scenario(written(**changes))

    assert caught.value.path == path


@pytest.mark.parametrize("nothing", [None, [], "text", 7])
def test_what_is_no_mapping_is_no_scenario(nothing):
    with pytest.raises(UnableToReadScenario, match="must be a mapping"):
        read_scenario(nothing)


def test_two_incidents_may_overlap():
    incident = {"at": OUTAGE["at"], "what": "incident", "severity": "P2"}

    assert len(read_scenario(written(events=[incident, incident])).events) == 2


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_whatever_is_written_is_read_or_refused(value):
    for changes in ({"events": [value]}, {"endpoints": value}, {"costs": value}, {"days": value}):
        with suppress(UnableToReadScenario):  # anything else would be a traceback for a person
            read_scenario(written(**changes))


@pytest.mark.parametrize(
    ("kind", "status", "error_class"),
    [
        ("500", 500, ErrorClass.BAD_STATUS),
        ("drop", 0, ErrorClass.DROPPED),
        ("hang", 0, ErrorClass.TIMEOUT),
        ("wrong_body", 200, ErrorClass.ASSERTION),
        ("redirect_loop", 302, ErrorClass.TOO_MANY_REDIRECTS),
    ],
)
def test_platform_fails_as_it_is_told_and_only_then(kind, status, error_class):
    platform = ScriptedPlatform(read_scenario(written(events=[{**OUTAGE, "kind": kind}])))
    begin = datetime(2025, 11, 13, 3, 10, tzinfo=UTC)

    def probe(seconds, name="api"):
        return platform.probe("1", name, begin + timedelta(seconds=seconds), is_api=False)

    assert (probe(0).status, probe(129).error_class, probe(0).ok) == (status, error_class, False)
    assert [probe(-1).ok, probe(130).ok, probe(0, "web").ok] == [True, True, True]
    assert 18 <= probe(-1).latency_ms <= 82
    assert probe(-1) == probe(-1)


def test_platform_knows_who_is_away():
    platform = ScriptedPlatform(
        read_scenario(
            written(
                events=[
                    {"at": "2025-11-14T00:00:00Z", "for": "6h", "what": "prober_dead"},
                    {"at": "2025-11-15T00:00:00Z", "for": "1h", "what": "api_errors"},
                ]
            )
        )
    )
    night, morning = datetime(2025, 11, 14, tzinfo=UTC), datetime(2025, 11, 14, 6, tzinfo=UTC)
    failing = datetime(2025, 11, 15, tzinfo=UTC)

    assert platform.prober_back_at(night) == morning
    assert platform.prober_back_at(morning) == morning
    assert platform.api_fails(failing)
    assert not platform.probe("1", "intelligence status", failing, is_api=True).ok
    assert platform.probe("1", "intelligence status", night, is_api=True).ok
