"""The daily check, the checkpoint and the hours at which they come by themselves, on real rows of a week."""

import json
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, transaction

from monitoring.domain.observing import Severity
from monitoring.domain.opslog import OpsKind
from monitoring.models import Checkpoint, Incident, OpsLogEntry, Verdict
from monitoring.services.burn_ins import current_burn_in
from monitoring.services.checkpoints import UnableToTakeCheckpoint, take_checkpoint
from monitoring.services.daily_check import (
    UnableToRecord,
    amend_daily_check,
    day_figures,
    gather_daily_check,
    record_daily_check,
)
from monitoring.services.ops_log import write_entry
from monitoring.services.routine import keep_routine
from tenancy.context import control_transaction
from tests.factories import NOON
from tests.monitoring.services.weeks import DAY, HOUR, START, good_week

pytestmark = pytest.mark.django_db


def test_daily_check_writes_the_day_with_its_verdict():
    good_week(bad=[(NOON - 3 * HOUR, NOON - 2 * HOUR)])

    entry = record_daily_check(now=NOON, operator="ada", notes="Quiet night.")

    assert (entry.kind, entry.day, entry.actor) == ("daily", NOON.date(), "ada")
    assert (entry.data["day"], entry.data["days"]) == (7, 7)
    assert [one["key"] for one in entry.data["readings"]] == [
        "uptime",
        "error_rate",
        "p1_incidents",
        "intelligence_api_days",
        "daily_cost",
    ]
    # Six endpoints probed hourly; the shop answered 500 once.
    assert entry.data["observations_24h"] == 24 * 6
    assert entry.data["server_errors_24h"] == 1
    assert entry.data["latency_avg_ms"] == pytest.approx(20)
    assert entry.data["notes"] == "Quiet night."
    assert "day 7/7 of week" in entry.text.lower()
    stored = Verdict.objects.get(number=entry.data["verdict"])
    assert (stored.occasion, stored.stored_by, stored.decision) == ("daily", "ada", entry.data["decision"])


def test_daily_check_says_what_nobody_looked_at_instead_of_zero():
    with control_transaction("test"):
        figures = day_figures(NOON)

    assert figures.observations == 0
    assert (figures.server_errors, figures.latency_ms, figures.alerts, figures.heals) == (None,) * 4
    assert (figures.cost_usd, figures.run_rate_usd) == (None, None)
    assert ("5xx answers (24 h)", "not known") in figures.rows()


def test_day_is_recorded_once_and_amended_only_by_a_further_entry():
    good_week()
    entry = record_daily_check(now=NOON, operator="ada")

    with pytest.raises(UnableToRecord, match=r"recorded at 12:00:00 UTC by ada.*amend"):
        record_daily_check(now=NOON + HOUR, operator="otto")
    amendment = amend_daily_check(day=NOON.date(), now=NOON + HOUR, operator="otto", text="A drill.")

    assert amendment.amends == entry
    assert [one.text for one in gather_daily_check(now=NOON + HOUR).amendments] == ["A drill."]
    assert Verdict.objects.filter(occasion="daily").count() == 1


def test_amending_needs_a_daily_check_and_a_text():
    with pytest.raises(UnableToRecord, match="no daily check of 2025-11-15"):
        amend_daily_check(day=NOON.date(), now=NOON, operator="otto", text="x")
    good_week()
    record_daily_check(now=NOON, operator="ada")

    with pytest.raises(UnableToRecord, match="needs a text"):
        amend_daily_check(day=NOON.date(), now=NOON, operator="otto", text="  ")
    with pytest.raises(UnableToRecord, match="at most 4,000"):
        amend_daily_check(day=NOON.date(), now=NOON, operator="otto", text="x" * 4001)


def test_database_refuses_a_second_daily_check_and_every_change():
    write_entry(OpsKind.DAILY, at=NOON, actor="ada", text="one", day=NOON.date())

    with pytest.raises(IntegrityError, match="ops_log_one_daily_check"), transaction.atomic():
        write_entry(OpsKind.DAILY, at=NOON, actor="otto", text="two", day=NOON.date())
    with pytest.raises(DatabaseError), control_transaction("test"):
        OpsLogEntry.objects.update(text="rewritten")
    with pytest.raises(DatabaseError), control_transaction("test"):
        OpsLogEntry.objects.all().delete()


def test_heals_are_counted_from_the_ops_log():
    good_week()
    write_entry(OpsKind.HEAL, at=NOON - HOUR, actor="portal", text="restarted", subsystem="api")
    write_entry(OpsKind.HEAL, at=NOON - 2 * DAY, actor="portal", text="restarted", subsystem="api")

    with control_transaction("test"):
        assert day_figures(NOON).heals == 1


def test_checkpoint_keeps_the_week_and_names_the_blockers():
    good_week(bad=[(NOON - 3 * HOUR, NOON - 2 * HOUR)])
    Incident.objects.create(
        title="Shop down",
        severity=Severity.P1.value,
        opened_at=NOON - DAY,
        opened_by="test",
        created_at=NOON - DAY,
    )

    checkpoint = take_checkpoint(now=NOON, actor="ada", notes="Before the review.")

    figures = checkpoint.figures
    assert figures["observations"] == 7 * 24 * 6
    assert figures["error_rate_percent"] == pytest.approx(100 / (7 * 24 * 6))
    assert figures["p1_incidents"] == 1
    assert figures["cost_days_known"] + figures["cost_days_unknown"] == 7
    assert next(one for one in figures["triggers"] if one["key"] == "p1_incident")["fired"]
    subjects = set(checkpoint.blockers.values_list("subject", flat=True))
    assert {"uptime", "p1_incidents", "p1_incident"} <= subjects
    assert figures["review"]["needs"]
    assert checkpoint.verdict.occasion == "checkpoint"
    assert OpsLogEntry.objects.get(kind="checkpoint").data["checkpoint"] == checkpoint.pk


def test_checkpoint_needs_a_burn_in():
    with pytest.raises(UnableToTakeCheckpoint, match="burnin start"):
        take_checkpoint(now=NOON, actor="ada")


def test_routine_waits_for_its_hour_then_acts_once():
    good_week()
    burn_in = current_burn_in()
    last_day = burn_in.ends_at.replace(hour=9)

    before = keep_routine(now=last_day - timedelta(seconds=1))
    due = keep_routine(now=last_day)
    again = keep_routine(now=last_day + HOUR)
    next_day = keep_routine(now=last_day + DAY)

    assert before == "nothing is due"
    assert due == "daily check of 2025-11-13 recorded, checkpoint of 2025-11-13 taken"
    assert again == "nothing is due"
    assert next_day == "daily check of 2025-11-14 recorded"
    assert Checkpoint.objects.get().scheduled_for == last_day
    assert set(OpsLogEntry.objects.values_list("actor", flat=True)) == {"schedule"}


def test_routine_rests_without_a_running_burn_in():
    assert keep_routine(now=NOON) == "no burn-in is running"


@time_machine.travel(NOON, tick=False)
def test_daily_check_command_shows_six_steps_records_and_amends():
    good_week()
    out = StringIO()

    call_command("daily_check", look=True, stdout=out)
    call_command("daily_check", operator="ada", notes="all well", stdout=out)
    call_command("daily_check", amend="not quite", stdout=out)

    text = out.getvalue()
    for step in (
        "1. Dashboard",
        "2. /public/metrics",
        "3. Job runs",
        "4. Synthetic",
        "5. Alerts",
        "6. Record",
    ):
        assert step in text
    assert "Nothing was recorded" in text
    assert list(OpsLogEntry.objects.order_by("id").values_list("kind", flat=True)) == ["daily", "amendment"]
    with pytest.raises(CommandError, match="recorded at"):
        call_command("daily_check", stdout=out)


@time_machine.travel(NOON, tick=False)
def test_daily_check_command_speaks_json():
    good_week()
    out = StringIO()

    call_command("daily_check", format="json", stdout=out)

    told = json.loads(out.getvalue())
    assert told["recorded"]
    assert told["entry"]["decision"] == told["verdict"]["decision"]


@time_machine.travel(NOON, tick=False)
def test_checkpoint_command_prints_the_week():
    good_week()
    out, as_json = StringIO(), StringIO()

    call_command("checkpoint", stdout=out)
    call_command("checkpoint", format="json", stdout=as_json)

    assert "blockers" in out.getvalue()
    assert "Review at" in out.getvalue()
    told = json.loads(as_json.getvalue())
    assert {one["subject"] for one in told["blockers"]} >= {"repeated_heal"}
    assert START < NOON
