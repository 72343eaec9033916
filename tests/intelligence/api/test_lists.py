from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
import time_machine
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from intelligence.models import IntelEvent
from intelligence.services import records
from tenancy.context import activate, tenant_transaction
from tests.cast import client_of, make_cast

pytestmark = pytest.mark.django_db

NOON = datetime(2025, 11, 15, 12, tzinfo=UTC)
LISTS = {
    "anomalies": "events",
    "recommendations": "recommendations",
    "forecasts": "forecasts",
    "health": "logs",
}
DEFAULTS = {"anomalies": 20, "recommendations": 5, "forecasts": 10, "health": 50}


def url(name):
    return f"/api/intelligence/{name}"


def fill(tenant, count):
    """`count` rows in each list, several in the same instant."""
    with activate(tenant):
        for number in range(count):
            with time_machine.travel(NOON + timedelta(seconds=number // 3), tick=False):
                records.log_intel_event("e", number, 0)
                records.log_health_metric("ok", "ok", number)
                records.save_forecast(number, 1, 1)
                records.save_recommendations([{"type": "t", "priority": "low", "message": str(number)}])


@pytest.fixture
def cast():
    return make_cast()


@pytest.fixture
def alice(cast):
    return client_of(cast.alice)


@pytest.mark.parametrize("name", LISTS)
def test_pages_follow_one_another_without_gap_or_repetition(cast, alice, name):
    fill(cast.tenant, 11)
    seen, query = [], {"limit": 4}
    while query:
        body = alice.get(url(name), query).json()
        assert body["count"] == len(body[LISTS[name]])
        seen += body[LISTS[name]]
        query = {"limit": 4, "cursor": body["next"]} if body["next"] else None

    assert len({row["id"] for row in seen}) == len(seen) == 11
    assert [row["ts"] for row in seen] == sorted((row["ts"] for row in seen), reverse=True)


def test_a_row_that_arrives_meanwhile_shifts_nothing(cast, alice):
    fill(cast.tenant, 6)
    first = alice.get(url("anomalies"), {"limit": 3}).json()
    fill(cast.tenant, 6)

    second = alice.get(url("anomalies"), {"limit": 3, "cursor": first["next"]}).json()

    assert {row["id"] for row in first["events"]}.isdisjoint(row["id"] for row in second["events"])
    assert max(row["ts"] for row in second["events"]) <= min(row["ts"] for row in first["events"])


@pytest.mark.parametrize(("name", "default"), DEFAULTS.items())
def test_without_a_limit_the_page_has_the_default_length(cast, alice, name, default):
    fill(cast.tenant, default + 2)

    body = alice.get(url(name)).json()

    assert body["count"] == default
    assert body["next"]


@pytest.mark.parametrize("name", LISTS)
def test_start_is_inside_and_end_outside(cast, alice, name):
    fill(cast.tenant, 9)
    query = {"start": (NOON + timedelta(seconds=1)).isoformat(), "end": "2025-11-15T12:00:02Z"}

    body = alice.get(url(name), query).json()

    assert [row["ts"] for row in body[LISTS[name]]] == ["2025-11-15T12:00:01Z"] * 3


def test_anomalies_are_filtered_by_component_and_severity(cast, alice):
    with tenant_transaction(cast.tenant):
        for component, severity in (("api", "P1"), ("api", "P3"), ("web", "P1")):
            IntelEvent.objects.create(event="e", value=1, ts=NOON, component=component, severity=severity)

    def count(**query):
        return alice.get(url("anomalies"), query).json()["count"]

    assert (count(component="api"), count(severity="P1")) == (2, 2)
    assert (count(component="api", severity="P1"), count(component="none")) == (1, 0)


BAD = [
    ("limit", ["0", "201", "-1", "1.0", "1_0", "٣", "", " ", "9" * 5000, "1e1", "\0", "null"]),
    ("cursor", ["", "x", "eyJ~", "~", "9" * 201, "\0", "🙂"]),
    ("start", ["", "yesterday", "2025-11-15", "2025-11-15T12:00:00", "2025-13-01T00:00:00Z", "\0", "1e99"]),
    ("end", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-12-31T23:59:59Z"]),
    ("nonsense", ["1"]),
    ("format", ["json", "xml"]),
    ("", ["1"]),
    ("a" * 500, ["1"]),
]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(("parameter", "value"), [(p, v) for p, values in BAD for v in values])
def test_a_bad_parameter_is_named(alice, name, parameter, value):
    response = alice.get(url(name), {parameter: value})

    error = response.json()["error"]
    assert (response.status_code, error["type"]) == (400, "validation")
    assert list(error["fields"]) == [parameter[:64] or "(empty name)"]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    "parameter", ["limit=5&limit=5", "start=2025-01-01T00:00:00Z&start=2026-01-01T00:00:00Z"]
)
def test_a_repeated_parameter_is_refused(alice, name, parameter):
    response = alice.get(f"{url(name)}?{parameter}")

    assert response.status_code == 400
    assert list(response.json()["error"]["fields"]) == [parameter.split("=")[0]]


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("status", "limit"),
        ("recommendations", "component"),
        ("forecasts", "component"),
        ("forecasts", "severity"),
        ("health", "severity"),
    ],
)
def test_a_parameter_of_another_list_is_refused_and_not_ignored(alice, name, parameter):
    response = alice.get(url(name), {parameter: "P1"})

    assert response.status_code == 400
    assert list(response.json()["error"]["fields"]) == [parameter]


@pytest.mark.parametrize("value", ["P5", "p1", "high"])
def test_an_unknown_severity_is_refused(alice, value):
    assert list(alice.get(url("anomalies"), {"severity": value}).json()["error"]["fields"]) == ["severity"]


def test_start_must_be_before_end(alice):
    moment = "2025-11-15T12:00:00Z"

    response = alice.get(url("health"), {"start": moment, "end": moment})

    assert list(response.json()["error"]["fields"]) == ["start"]


def test_a_cursor_opens_its_own_list_only_and_only_unchanged(cast, alice):
    fill(cast.tenant, 3)
    cursor = alice.get(url("anomalies"), {"limit": 1}).json()["next"]
    changed = ("1" if cursor[0] != "1" else "2") + cursor[1:]

    assert alice.get(url("anomalies"), {"cursor": cursor}).status_code == 200
    assert alice.get(url("forecasts"), {"cursor": cursor}).status_code == 400
    assert alice.get(url("anomalies"), {"cursor": changed}).status_code == 400


def test_a_cursor_signed_over_nonsense_is_refused(alice):
    for text in ("", ".", "1.", "x.y", f"{10**40}.1", "1.not-a-uuid"):
        for name in LISTS:
            cursor = signing.Signer(salt=f"levqor.cursor.{name}", sep="~").sign(text)
            assert alice.get(url(name), {"cursor": cursor}).status_code == 400


def test_another_tenants_cursor_shows_only_own_rows(cast, alice):
    fill(cast.tenant, 3)
    cursor = alice.get(url("anomalies"), {"limit": 1}).json()["next"]

    assert client_of(cast.charlie).get(url("anomalies"), {"cursor": cursor}).json()["events"] == []


@pytest.mark.parametrize(
    ("name", "queries"),
    [("anomalies", 3), ("recommendations", 3), ("forecasts", 4), ("health", 4)],
)
def test_a_list_costs_the_same_number_of_queries_however_long(cast, alice, name, queries):
    def count():
        with CaptureQueriesContext(connection) as captured:
            assert alice.get(url(name), {"limit": 200}).status_code == 200
        return len([q for q in captured if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))])

    fill(cast.tenant, 2)
    alice.get(url(name))  # the token's hour of last use is written once
    few = count()
    fill(cast.tenant, 60)

    assert (few, count()) == (queries, queries)


class Fuzzed(TestCase):
    """Whatever stands in the query, the answer is 200 or a typed 400."""

    def setUp(self):
        self.client = client_of(make_cast().alice)

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.sampled_from(["status", *LISTS]),
        st.lists(
            st.tuples(
                st.sampled_from(["limit", "cursor", "start", "end", "component", "severity", "x"])
                | st.text(),
                st.text() | st.integers().map(str) | st.datetimes().map(str),
            ),
            max_size=4,
        ),
    )
    def test_never_a_500(self, name, pairs):
        query = "&".join(f"{quote(k, errors='replace')}={quote(v, errors='replace')}" for k, v in pairs)

        response = self.client.get(f"{url(name)}?{query}")

        assert response.status_code in (200, 400), response.content
        assert response.json()["ok"] is (response.status_code == 200)
