from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from monitoring.domain.observing import Source
from monitoring.domain.verdicts import Decision, ExitCode, exit_code
from monitoring.models import AlertEpisode, CostEntry, Endpoint, Incident, JobRun, ObservedSpan
from monitoring.services.costs import accrue_fixed_costs
from monitoring.services.endpoints import watch_portal
from monitoring.services.judging import judge, open_burn_in, verdict_hash
from monitoring.services.recording import record_probes
from tests.factories import NOON, core, make_endpoint, make_result
from tests.monitoring.alerts import make_episode

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
STEP = timedelta(seconds=60)


def observe(endpoint, start, end, *, bad=()):
    """Probes every `STEP`; `bad` are (start, end) in which they fail."""
    steps = int((end - start) / STEP)
    times = [start + STEP * n for n in range(steps)]
    results = [make_result(endpoint, at, ok=not any(a <= at < b for a, b in bad)) for at in times]
    record_probes([(endpoint, result) for result in results], source=Source.MONITOR)


def standings(verdict):
    return {reading.key.value: reading.standing.value for reading in verdict.gates}


def test_judge_finds_nothing_to_pass_in_an_empty_portal():
    verdict = judge(now=NOON)

    assert verdict.decision is Decision.NO_GO
    assert set(standings(verdict).values()) == {"NO DATA"}
    assert exit_code(verdict) is ExitCode.LACK_OF_EVIDENCE


def test_judge_says_on_day_zero_what_is_on_track_and_what_lacks_evidence():
    open_burn_in(name="b", starts_at=NOON, days=7, review_after=6 * DAY, actor="test")
    accrue_fixed_costs(now=NOON)
    shop = make_endpoint("shop", critical=True)
    observe(shop, NOON - timedelta(minutes=10), NOON)

    verdict = judge(now=NOON)

    assert standings(verdict) == {
        "uptime": "ON TRACK",
        "error_rate": "ON TRACK",
        "p1_incidents": "ON TRACK",
        "intelligence_api_days": "NO DATA",
        "daily_cost": "ON TRACK",
    }
    assert (verdict.decision, verdict.within, verdict.proven) == (Decision.NO_GO, 4, 0)
    uptime = verdict.gates[0]
    assert uptime.coverage == pytest.approx(660 / (7 * 86400), rel=0.2)
    assert uptime.missing


@pytest.fixture
def proven_week():
    """Eight days in which everything was observed and good, seen at NOON."""
    start = NOON - 9 * DAY
    open_burn_in(name="b", starts_at=start, days=7, review_after=6 * DAY, actor="test")
    accrue_fixed_costs(now=start)
    accrue_fixed_costs(now=NOON)
    shop = make_endpoint("shop", critical=True)
    observe(shop, start, NOON)
    watch_portal(base_url="http://127.0.0.1:8000", tenant=core(), now=start)
    Endpoint.objects.exclude(pk=shop.pk).update(interval_s=60, critical=False)
    for endpoint in Endpoint.objects.filter(intelligence_api=True):
        observe(endpoint, start, NOON)
    JobRun.objects.bulk_create(
        JobRun(
            job="alert_checks",
            scheduled_for=start + hour * timedelta(hours=1),
            created_at=start,
            finished_at=start + hour * timedelta(hours=1),
            state="done",
            outcome="ok",
        )
        for hour in range(9 * 24)
    )
    return shop


def test_judge_proves_the_gates_of_a_good_week(proven_week):
    verdict = judge(now=NOON)

    assert set(standings(verdict).values()) == {"PASS"}
    assert verdict.proven == 5
    # Nobody counts heals and requests yet, so their triggers cannot be called quiet: GO stays out of reach.
    assert verdict.decision is Decision.NO_GO
    assert {trigger.key.value for trigger in verdict.triggers if not trigger.observed} == {
        "repeated_heal",
        "api_errors",
    }


def test_judge_pauses_a_day_with_a_firing_alert(proven_week):
    make_episode(
        fired_at=NOON - 2 * DAY,
        breached_since=NOON - 2 * DAY,
        state="resolved",
        resolved_at=NOON - 2 * DAY + timedelta(minutes=1),
    )

    days = judge(now=NOON).gates[3]

    # It neither counts nor breaks: the streak goes on behind it, and there are eight whole days in all.
    assert (days.standing.value, days.value) == ("PASS", 7)
    assert "1 day with a firing alert not counted" in days.explanation


def test_judge_does_not_count_a_day_on_which_nobody_looked_for_alerts(proven_week):
    JobRun.objects.filter(job="alert_checks", scheduled_for__gte=NOON - 4 * DAY).delete()

    days = judge(now=NOON).gates[3]

    assert days.standing.value == "NO DATA"
    assert AlertEpisode.objects.count() == 0


def test_judge_names_the_outage_that_costs_the_uptime(proven_week):
    start = NOON - 9 * DAY
    other = make_endpoint("checkout", critical=True)
    observe(other, start, NOON, bad=[(NOON - DAY, NOON - DAY + timedelta(seconds=180))])

    uptime = judge(now=NOON).gates[0]

    assert uptime.standing.value == "FAIL"
    assert "checkout" in uptime.explanation


def test_judge_counts_an_open_p1(proven_week):
    Incident.objects.create(title="Checkout is down", severity="P1", opened_at=NOON - DAY, opened_by="test")

    verdict = judge(now=NOON)

    assert standings(verdict)["p1_incidents"] == "FAIL"
    assert exit_code(verdict) is ExitCode.NO_GO


def test_judge_does_not_take_an_unknown_day_for_a_free_one(proven_week):
    CostEntry.objects.filter(day=(NOON - 2 * DAY).date()).delete()

    cost = judge(now=NOON).gates[4]

    assert cost.standing.value == "ON TRACK"
    assert "2025-11-13" in cost.explanation


@pytest.mark.parametrize("hidden", ["spans", "criticality", "pause"])
def test_judge_is_not_won_over_by_missing_evidence(proven_week, hidden):
    before = judge(now=NOON)
    if hidden == "spans":
        ObservedSpan.objects.filter(endpoint=proven_week).delete()
    elif hidden == "criticality":
        Endpoint.objects.update(critical=False)
    else:
        Endpoint.objects.update(enabled=False)

    later = judge(now=NOON if hidden != "pause" else NOON + timedelta(hours=1))

    assert later.proven <= before.proven
    assert later.within <= before.within
    assert later.decision is Decision.NO_GO
    assert standings(later)["uptime"] != "PASS"


def test_judge_repeats_itself(proven_week):
    assert verdict_hash(judge(now=NOON)) == verdict_hash(judge(now=NOON))


def test_judge_asks_as_many_questions_about_ten_endpoints_as_about_one():
    make_endpoint(critical=True)
    with CaptureQueriesContext(connection) as few:
        judge(now=NOON)
    for _ in range(10):
        observe(make_endpoint(critical=True), NOON - timedelta(minutes=5), NOON)

    with CaptureQueriesContext(connection) as many:
        judge(now=NOON)

    assert len(many) == len(few)
