import json
import random
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from monitoring.domain.observing import Source
from monitoring.domain.outages import Observation, find_outages, observed_spans
from monitoring.domain.windows import Window
from monitoring.models import EndpointState, HealthLog, ObservedSpan, Outage
from monitoring.services.health_log import append_log
from monitoring.services.recompute import rebuild
from monitoring.services.rollups import count_observations
from monitoring.services.uptime import endpoint_records
from tenancy.context import control_transaction
from tests.factories import make_endpoint

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC).replace(microsecond=0)
START = NOW - timedelta(days=2)
HOLD = timedelta(seconds=75)


def week_of(endpoint, *, seed=1, rows=2000):
    """Rows every 30 s: good ones, single failures, outages, and gaps in which nobody looked."""
    chance, at, found = random.Random(seed), START, []
    down = 0
    for _ in range(rows):
        at += timedelta(seconds=30 if chance.random() > 0.01 else chance.randrange(31, 3000))
        down = down - 1 if down else chance.choice([0] * 40 + [1, 1, 5])
        latency = round(chance.uniform(1, 900), 1)
        found.append((at, at + timedelta(milliseconds=latency), not down, latency))
    return found


def write_csv(path, endpoint, rows):
    lines = ["ts,endpoint,ok,latency_ms", *(f"{a.isoformat()},{endpoint},{ok},{ms}" for a, _, ok, ms in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def stored(endpoint):
    return endpoint_records([endpoint], Window(START - timedelta(days=1), NOW + timedelta(days=1)))[
        endpoint.pk
    ]


def counted(endpoint):
    with control_transaction("test"):
        return count_observations(Window(START, NOW), endpoint_ids=[endpoint.pk])[endpoint.pk]


def logged():
    with control_transaction("test"):
        return HealthLog.objects.count()


def test_a_week_of_csv_says_what_a_plain_scan_of_it_says(tmp_path):
    endpoint = make_endpoint("old")
    rows = week_of(endpoint)
    observations = [Observation(a, b, ok) for a, b, ok, _ in rows]

    call_command("import_health", str(write_csv(tmp_path / "week.csv", "old", rows)), verbosity=0)

    record, counts = stored(endpoint), counted(endpoint)
    assert len(record.outages) > 20
    assert sorted(record.outages, key=lambda o: o.first_bad_at) == list(find_outages(observations, hold=HOLD))
    assert record.spans == observed_spans(observations, hold=HOLD)
    assert (counts.total, counts.bad) == (2000, sum(not ok for _, _, ok, _ in rows))


def test_the_same_file_again_adds_nothing_and_a_longer_one_the_rest(tmp_path, capsys):
    endpoint = make_endpoint("old")
    rows = week_of(endpoint)
    part = write_csv(tmp_path / "part.csv", "old", rows[:1500])
    whole = write_csv(tmp_path / "whole.csv", "old", rows)

    for file in (part, part, whole):
        call_command("import_health", str(file), verbosity=0)

    said = [line for line in capsys.readouterr().out.splitlines() if "added" in line]
    assert [line.split(": ")[1] for line in said] == [
        "1,500 added, 0 known before.", "0 added, 1,500 known before.", "500 added, 1,500 known before.",
    ]  # fmt: skip
    assert logged() == 2000
    observations = [Observation(a, b, ok) for a, b, ok, _ in rows]
    assert stored(endpoint).spans == observed_spans(observations, hold=HOLD)
    assert set(stored(endpoint).outages) == set(find_outages(observations, hold=HOLD))


def test_json_lines_are_read(tmp_path):
    endpoint = make_endpoint("old")
    lines = [
        {
            "timestamp": (START + timedelta(seconds=30 * n)).timestamp(),
            "status": 200 if n != 2 else 500,
            "latency": 5,
        }
        for n in range(5)
    ]
    file = tmp_path / "some.jsonl"
    file.write_text("\n\n".join(map(json.dumps, lines)))

    call_command("import_health", str(file), "--endpoint", "old", verbosity=0)

    assert (counted(endpoint).total, counted(endpoint).bad, counted(endpoint).server_errors) == (5, 1, 1)


def prometheus(values, series=1):
    result = [{"metric": {"instance": "a"}, "values": values}] * series
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}})


def test_a_prometheus_range_query_is_read(tmp_path):
    endpoint = make_endpoint("old")
    file = tmp_path / "range.json"
    file.write_text(prometheus([[START.timestamp() + 15 * n, "0" if 3 <= n < 6 else "1"] for n in range(10)]))

    call_command("import_health", str(file), "--endpoint", "old", verbosity=0)

    outage = Outage.objects.get()
    assert (outage.failures, counted(endpoint).total) == (3, 10)
    assert outage.first_bad_at == START + timedelta(seconds=45)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "ts,ok\n2999-01-01T00:00:00Z,1\n", "line 2: 2999-01-01 00:00:00 lies in the future"),
        ("a.csv", "ts,ok\n1999-01-01T00:00:00Z,1\n", "line 2: 1999-01-01 is before"),
        ("a.csv", "ts,ok\n{good},1\n{good},maybe\n", "line 3: ok 'maybe' is neither true nor false"),
        ("a.csv", "ts,ok\n{good},1\n{good}\n", "line 3: 1 values where the header has 2"),
        ("a.csv", "ts,ok\n2025-11-15T09:00:00,1\n", "has no time zone"),
        ("a.csv", "ts,ok,latency\n{good},1,nan\n", "line 2: latency_ms 'nan'"),
        ("a.csv", "ts,status\n{good},7000\n", "line 2: status_code '7000'"),
        ("a.csv", "ts,ok,endpoint\n{good},,old\n", "neither ok nor status_code"),
        ("a.csv", "when,ok\n", "line 1: There is no column for the time"),
        ("a.csv", "ts,latency\n", "no column ok and none status_code"),
        ("a.csv", "", "no column for the time"),
        ("a.csv", "ts,ok\n", "holds no observation"),
        ("a.csv", 'ts,ok\n"x', "is not CSV"),
        ("a.jsonl", "{\n", "line 1: the line is not JSON"),
        ("a.jsonl", "[1]\n", "line 1: the line is not a JSON object"),
        ("a.jsonl", '{"ts": true, "ok": 1}', "line 1: ts True is no time in seconds"),
        ("a.json", "{", "is not JSON at line 1"),
        ("a.json", "{}", "no answer of /api/v1/query_range"),
        ("a.json", "MANY", "holds 2 series"),
        ("a.json", "HALF", "sample 1: the value '0.5'"),
        ("a.txt", "", "the name must end in .csv"),
    ],
)
def test_a_bad_file_is_refused_by_line_and_nothing_is_stored(tmp_path, name, text, words):
    make_endpoint("old")
    text = {"MANY": prometheus([[1, "1"]], 2), "HALF": prometheus([[START.timestamp(), "0.5"]])}.get(
        text, text
    )
    file = tmp_path / name
    file.write_text(text.replace("{good}", START.isoformat()))

    with pytest.raises(CommandError, match=re.escape(words)):
        call_command("import_health", str(file), "--endpoint", "old", verbosity=0)

    assert logged() == 0


def test_an_error_after_many_good_rows_still_stores_none(tmp_path, monkeypatch):
    monkeypatch.setattr("monitoring.services.imports.BATCH", 100)
    endpoint = make_endpoint("old")
    file = write_csv(tmp_path / "week.csv", "old", week_of(endpoint, rows=500))
    file.write_text(file.read_text() + f"{START.isoformat()},nobody,true,1\n")

    with pytest.raises(CommandError, match=r"line 502: there is no endpoint 'nobody'"):
        call_command("import_health", str(file), verbosity=0)

    assert (logged(), Outage.objects.count(), ObservedSpan.objects.count()) == (0, 0, 0)


def test_an_unknown_endpoint_is_refused_with_the_way_to_make_it(tmp_path):
    with pytest.raises(CommandError, match=r"manage\.py watch"):
        call_command("import_health", str(tmp_path / "a.csv"), "--endpoint", "nobody", verbosity=0)


steps = st.lists(
    st.tuples(st.integers(0, 400), st.booleans(), st.integers(0, 90_000)), min_size=1, max_size=40
)


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps, order=st.randoms(use_true_random=False), cuts=st.integers(1, 4))
def test_rebuilding_after_any_batches_in_any_order_equals_one_walk_through_all(steps, order, cuts):
    endpoint = make_endpoint()
    at, rows = START, []
    for wait, ok, took_ms in steps:
        at += timedelta(seconds=wait)
        rows.append((at, at + timedelta(milliseconds=took_ms), ok))
    mixed = rows[:]
    order.shuffle(mixed)
    observations = [Observation(*row) for row in rows]

    for batch in (mixed[n::cuts] for n in range(cuts)):
        if batch:
            with control_transaction("test"):
                append_log(log_row(endpoint, *row) for row in batch)
                rebuild(endpoint, since=min(row[0] for row in batch))

    record = stored(endpoint)
    expected = list(find_outages(observations, hold=HOLD))
    found = sorted(record.outages, key=lambda o: (o.last_bad_at, o.first_bad_at))
    assert [settled(o) for o in found] == [
        settled(o) for o in sorted(expected, key=lambda o: (o.last_bad_at, o.first_bad_at))
    ]
    assert record.spans == observed_spans(observations, hold=HOLD)
    state = EndpointState.objects.get(endpoint=endpoint)
    assert (state.outage_id is not None) == (
        not max(observations, key=lambda o: (o.started_at, o.ended_at, o.ok)).ok
    )


def settled(outage):
    """An outage but for the word that an open one of a single failure is confirmed."""
    confirmed = outage.confirmed if outage.first_good_at else None
    return (
        outage.last_good_at,
        outage.first_bad_at,
        outage.last_bad_at,
        outage.first_good_at,
        confirmed,
        outage.unseen,
    )


def log_row(endpoint, at, ended_at, ok):
    return (
        endpoint.tenant_id, endpoint.pk, Source.API.value, at, ended_at, 200 if ok else 500, ok, 1.0, "", "", "",
    )  # fmt: skip
