import hashlib
import json
from datetime import timedelta

import pytest
import rfc8785
from django.db import DatabaseError, connection, transaction

from monitoring.domain import gate_readings
from monitoring.domain.occasions import Occasion
from monitoring.domain.policy import Policy
from monitoring.models import CostEntry, EndpointState, GatePolicy, Incident, Outage, Verdict
from monitoring.services import verdicts
from monitoring.services.burn_ins import ensure_policy, extend_burn_in, use_policy
from monitoring.services.judging import judge
from monitoring.services.verdicts import replay, settled_moment, store_on_change, store_verdict, verify_chain
from monitoring.services.verification import DifferenceKind, verify
from tenancy.context import NoTenantScope, control_transaction
from tests.factories import NOON, make_endpoint
from tests.monitoring.services.weeks import DAY, HOUR, good_week, observe

pytestmark = pytest.mark.django_db


def store(now=NOON, occasion=Occasion.COMMAND):
    return store_verdict(now=now, occasion=occasion, actor="test")


def told(number, kind):
    return [one.text for one in verify(number).differences if one.kind is kind]


def test_store_verdict_keeps_canonical_json_with_its_hash():
    good_week()

    stored = store(occasion=Occasion.DAILY)

    record = json.loads(stored.record)
    assert rfc8785.dumps(record).decode() == stored.record
    assert hashlib.sha256(stored.record.encode()).hexdigest() == stored.hash
    assert (stored.number, stored.previous_hash, stored.occasion) == (1, "0" * 64, "daily")
    assert record["policy"] == GatePolicy.objects.get().criteria
    assert set(record["verdict"]) >= {"decision", "gates", "triggers", "reasons"}
    assert record["rows"]["count"] == stored.evidence_rows.row_count > 1000
    assert record["other_window"]["kind"] == "burn_in"


def test_verdicts_form_a_chain():
    first, second = store(), store(NOON + HOUR)

    assert second.previous_hash == first.hash
    assert verify_chain() == ()


@pytest.mark.parametrize(
    "forged",
    [
        {"number": 3},
        {"previous_hash": "1" * 64},
        {"hash": "2" * 64},
        {"number": 1, "previous_hash": "0" * 64},
    ],
)
def test_database_refuses_a_verdict_that_does_not_continue_the_chain(forged):
    first = store()
    values = {field.attname: getattr(first, field.attname) for field in Verdict._meta.fields}
    good = {"number": 2, "previous_hash": first.hash}

    with pytest.raises(DatabaseError), transaction.atomic():
        Verdict.objects.create(**{**values, **good, **forged})


@pytest.mark.parametrize(
    "sql",
    ["UPDATE verdicts SET decision = 'GO'", "DELETE FROM verdict_rows", "TRUNCATE verdicts CASCADE"],
)
@pytest.mark.parametrize("scope", [transaction.atomic, lambda: control_transaction("test")])
def test_nobody_changes_or_deletes_a_stored_verdict(scope, sql):
    store()

    with pytest.raises((DatabaseError, NoTenantScope)), scope(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_store_on_change_stores_only_what_says_something_else():
    ensure_policy(actor="test")
    first = store_on_change(now=NOON)
    again = store_on_change(now=NOON + timedelta(minutes=1))
    Incident.objects.create(title="Down", severity="P1", opened_at=NOON, opened_by="test", created_at=NOON)
    changed = store_on_change(now=NOON + timedelta(minutes=2))

    assert first.occasion == "change"
    assert again is None
    assert changed.number == 2
    assert changed.conclusive


def test_settled_moment_is_before_the_probes_that_are_under_way():
    endpoint = make_endpoint(now=NOON)
    endpoint.state.lease_until = NOON + timedelta(seconds=endpoint.timeout_s + 15 - 3)
    endpoint.state.save()

    assert settled_moment(NOON) == NOON - timedelta(seconds=3)
    assert settled_moment(NOON + HOUR) == NOON + HOUR


def test_verify_finds_an_untouched_verdict_identical():
    good_week()
    store()

    result = verify(1)

    assert result.differences == ()
    assert result.identical
    assert result.notes == ()


def test_verify_still_finds_it_identical_when_life_went_on():
    shop = good_week(bad=[(NOON - 2 * HOUR, NOON + HOUR)])
    Incident.objects.create(
        title="Slow", severity="P1", opened_at=NOON - HOUR, opened_by="t", created_at=NOON
    )
    before = store()
    metered = CostEntry.objects.create(
        day=NOON.date(), service="kv", amount="0.5", kind="metered", source="kv"
    )
    second = store()
    observe(shop, NOON, NOON + HOUR, step=timedelta(minutes=30), bad=[(NOON, NOON + timedelta(minutes=10))])
    observe(shop, NOON + HOUR, NOON + 5 * HOUR)
    Incident.objects.update(resolved_at=NOON + HOUR)
    Incident.objects.create(title="Told late", severity="P1", opened_at=NOON - DAY, opened_by="t")
    CostEntry.objects.create(
        day=(NOON - DAY).date(), service="bill", amount="90", kind="metered", source="csv"
    )
    CostEntry.objects.filter(pk=metered.pk).update(amount="9.5")
    make_endpoint("new one", critical=True, now=NOON + HOUR)
    use_policy(
        GatePolicy.objects.create(
            version=2, criteria={**Policy().to_dict(), "version": 2}, created_by="test"
        ),
        now=NOON + HOUR,
        actor="test",
    )
    extend_burn_in(now=NOON + HOUR, actor="test")

    assert Outage.objects.get().first_good_at > NOON
    assert json.loads(before.record)["evidence"]["uptime"]["outages"]
    assert verify(before.number).differences == ()
    assert verify(second.number).differences == ()


EDITS = {
    "outages": "UPDATE outages SET first_bad_at = first_bad_at + interval '1 second'",
    "observed_spans": (
        "UPDATE observed_spans SET started_at = started_at + interval '1 hour'"
        " WHERE id = (SELECT min(id) FROM observed_spans)"
    ),
    "incidents": "UPDATE incidents SET severity = 'P4'",
    "cost_entries": (
        "UPDATE cost_entries SET amount = amount - 1 WHERE day = '2025-11-12' AND service = 'database'"
    ),
    "endpoints": "UPDATE endpoints SET critical = false WHERE name = 'shop'",
}


@pytest.mark.parametrize("table", EDITS)
def test_verify_names_the_row_that_was_edited(table):
    good_week(bad=[(NOON - 2 * DAY, NOON - 2 * DAY + 2 * HOUR)])
    Incident.objects.create(
        title="Slow", severity="P1", opened_at=NOON - HOUR, opened_by="t", created_at=NOON
    )
    store()
    with connection.cursor() as cursor:
        cursor.execute(EDITS[table])

    result = verify(1)
    rows = [one.text for one in result.differences if one.kind is DifferenceKind.ROWS]

    assert not result.identical
    assert len(rows) == 1
    assert rows[0].startswith(f"{table} ")
    assert "was changed" in rows[0]


@pytest.mark.parametrize(
    ("table", "delete"),
    [
        ("outages", lambda: Outage.objects.all().delete()),
        ("incidents", lambda: Incident.objects.all().delete()),
        ("cost_entries", lambda: CostEntry.objects.filter(day="2025-11-12", service="database").delete()),
    ],
)
def test_verify_names_the_evidence_that_was_deleted_afterwards(table, delete):
    good_week(bad=[(NOON - 2 * DAY, NOON - 2 * DAY + 2 * HOUR)])
    Incident.objects.create(
        title="Slow", severity="P1", opened_at=NOON - HOUR, opened_by="t", created_at=NOON
    )
    store()
    EndpointState.objects.update(outage=None)
    delete()

    assert [text for text in told(1, DifferenceKind.ROWS) if text.startswith(table) and "was deleted" in text]
    assert told(1, DifferenceKind.FACTS)


def test_verify_names_a_threshold_that_was_edited_in_the_stored_policy():
    good_week()
    store()
    policy = GatePolicy.objects.get()
    policy.criteria["gates"]["uptime"]["min_percent"] = 90.0
    policy.save()

    assert told(1, DifferenceKind.POLICY) == ["policy.gates.uptime.min_percent was 99.98, is 90."]


def test_verify_says_when_the_code_judges_otherwise(monkeypatch):
    good_week()
    store()
    monkeypatch.setattr(gate_readings, "percent_of", lambda share: 0)

    assert "The same evidence is judged otherwise by the code of now" in told(1, DifferenceKind.CODE)[0]


def test_replay_leaves_out_what_became_known_later():
    shop = good_week(until=NOON - 12 * HOUR)
    then = NOON - DAY
    observe(shop, NOON - 12 * HOUR, NOON, bad=[(NOON - 12 * HOUR, NOON - 6 * HOUR)])
    Incident.objects.create(
        title="Later", severity="P1", opened_at=then - HOUR, opened_by="t", created_at=NOON
    )
    CostEntry.objects.create(
        day=(then - DAY).date(), service="bill", amount="90", kind="metered", source="csv", created_at=NOON
    )

    past = replay(at=then, now=NOON).verdict
    present = judge(now=NOON)

    assert [reading.standing.value for reading in past.gates] == ["PASS", "PASS", "PASS", "NO DATA", "PASS"]
    assert [reading.standing.value for reading in present.gates] == [
        "FAIL",
        "FAIL",
        "FAIL",
        "NO DATA",
        "FAIL",
    ]


def test_replay_is_the_verdict_that_was_given_then():
    good_week(bad=[(NOON - 30 * HOUR, NOON - 20 * HOUR)])
    for hours in (72, 29, 25, 20, 3):
        at = NOON - timedelta(hours=hours)

        first, second = replay(at=at, now=NOON), replay(at=at, now=NOON + DAY)

        assert first == second
        assert first.verdict.judged_at == at


def test_replay_judges_by_the_policy_of_then():
    good_week()
    strict = Policy().to_dict()
    strict["version"] = 2
    use_policy(
        GatePolicy.objects.create(version=2, criteria=strict, created_by="test", created_at=NOON - DAY),
        now=NOON - DAY,
        actor="test",
    )

    assert replay(at=NOON - 2 * DAY, now=NOON).verdict.policy_version == 1
    assert replay(at=NOON - HOUR, now=NOON).verdict.policy_version == 2


def test_replay_refuses_the_future():
    with pytest.raises(verdicts.UnableToReplay, match="still to come"):
        replay(at=NOON + HOUR, now=NOON)


def test_verify_of_a_stranger_says_which_there_are():
    with pytest.raises(verdicts.UnableToReplay, match="none is stored yet"):
        verify(7)
    store()
    with pytest.raises(verdicts.UnableToReplay, match="from 1 to 1"):
        verify(7)
