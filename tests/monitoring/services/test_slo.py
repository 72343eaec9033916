from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from monitoring import tasks  # noqa: F401  (registers the work of the jobs)
from monitoring.domain.observing import Source
from monitoring.domain.runs import Outcome
from monitoring.domain.slo import SloStanding
from monitoring.models import Endpoint, Incident, RecoveryProposal, Slo, SloEvaluation
from monitoring.services import jobs
from monitoring.services.alerts import evaluate_alerts
from monitoring.services.housekeeping import keep_house
from monitoring.services.incidents import resolve_incident
from monitoring.services.recording import record_probes
from monitoring.services.slo import evaluate_slos, read_slos
from monitoring.services.slo_conditions import slo_conditions
from monitoring.services.slo_material import gather
from tenancy.context import control_scope, control_transaction, enter
from tests.factories import NOON, make_endpoint, make_result
from tests.monitoring.runs import make_run

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=n) for n in (1, 60, 3600, 86_400))


@pytest.fixture(autouse=True)
def _control():
    with control_transaction("test"):
        yield


def observe(endpoint, start, end, *, step=30 * SECOND, bad=lambda at: False, took=lambda at: 20.0):
    times = [start + step * n for n in range(int((end - start) / step))]
    results = [make_result(endpoint, at, ok=not bad(at), took_ms=took(at)) for at in times]
    record_probes([(endpoint, result) for result in results], source=Source.MONITOR)


def between(start, end):
    return lambda at: start <= at < end


def lines(now=NOON):
    return {line.slo.name: line.reading for line in read_slos(now=now)}


def test_the_three_slos_are_seeded():
    found = {slo.name: (slo.sli, slo.objective_percent, slo.threshold_ms) for slo in Slo.objects.all()}

    assert found == {
        "latency": ("latency", "99", 200),
        "error-rate": ("error_rate", "99.5", None),
        "availability": ("availability", "99.9", None),
    }


def test_read_slos_of_a_fresh_portal_is_no_data():
    found = lines()

    assert {reading.standing for reading in found.values()} == {SloStanding.NO_DATA}
    assert not any(reading.no_data for reading in found.values())


def test_read_slos_agrees_with_a_scan_of_what_was_observed():
    shop = make_endpoint("shop", critical=True, now=NOON - 2 * DAY)
    start = NOON - 2 * DAY
    # Down for ten minutes a day ago; slow for an hour this morning; one blip within the last five minutes.
    down = (NOON - DAY, NOON - DAY + 10 * MINUTE)
    slow = between(NOON - 3 * HOUR, NOON - 2 * HOUR)
    blip = NOON - 2 * MINUTE
    observe(
        shop,
        start,
        NOON,
        bad=lambda at: between(*down)(at) or at == blip,
        took=lambda at: 450.0 if slow(at) else 20.0,
    )
    total = 2 * 2880

    found = lines()

    assert found["availability"].budget.budget_s == pytest.approx(604.8)
    assert found["availability"].budget.consumed_s == pytest.approx(600, abs=31)
    assert found["availability"].coverage == pytest.approx(2 / 7, rel=0.01)
    errors = found["error-rate"]
    assert errors.sli == pytest.approx(1 - 21 / total)
    assert errors.samples == total
    assert found["latency"].sli == pytest.approx(1 - 120 / total)
    # Of the last five minutes one in ten was bad, of the last hour one in 120, against 0.5 % allowed.
    assert errors.rates[5 * MINUTE] == pytest.approx(0.1 / 0.005)
    assert errors.rates[HOUR] == pytest.approx(1 / 120 / 0.005)
    # The day of before is longer by the part of an hour that rollups are cut at, and by no other endpoint.
    assert errors.rates[DAY] == pytest.approx(21 / 2880 / 0.005, rel=0.01)


def test_latency_counts_an_answer_that_never_came_as_too_late_and_an_unknown_one_not_at_all():
    shop = make_endpoint("shop", critical=True)
    steps = [NOON - HOUR + n * MINUTE for n in range(40)]
    results = [make_result(shop, at) for at in steps[:20]]
    results += [make_result(shop, at, ok=False, status=0) for at in steps[20:30]]
    results += [make_result(shop, at, latency_ms=None) for at in steps[30:]]
    record_probes([(shop, result) for result in results], source=Source.MONITOR)

    assert lines()["latency"].sli == pytest.approx(20 / 30)


def test_chosen_endpoints_count_and_others_do_not():
    shop, blog = make_endpoint("shop", critical=True), make_endpoint("blog")
    observe(shop, NOON - HOUR, NOON)
    observe(blog, NOON - HOUR, NOON, bad=lambda at: True)
    Slo.objects.get(name="error-rate").endpoints.add(blog)

    found = lines()

    assert found["error-rate"].sli == 0
    assert found["availability"].sli == 1


def test_a_switched_off_slo_is_not_read():
    Slo.objects.filter(name="latency").update(enabled=False)

    assert set(lines()) == {"availability", "error-rate"}


def test_the_calendar_month_has_the_budget_of_the_whole_month():
    shop = make_endpoint("shop", critical=True)
    observe(shop, NOON - HOUR, NOON)
    Slo.objects.update(period="month")

    reading = lines()["availability"]

    assert reading.budget.budget_s == pytest.approx(30 * 86_400 * 0.001)
    assert reading.coverage == pytest.approx(1 / (14.5 * 24), rel=0.03)


def test_no_burn_is_told_before_a_full_hour_was_measured():
    shop = make_endpoint("shop", critical=True)
    observe(shop, NOON - 50 * MINUTE, NOON, bad=lambda at: True)

    assert lines()["availability"].burn is None
    observe(shop, NOON, NOON + 20 * MINUTE, bad=lambda at: True)
    assert lines(NOON + 20 * MINUTE)["availability"].burn.excess > 1


def test_silence_is_an_alert_of_its_own_and_ends_when_data_comes():
    shop = make_endpoint("shop", critical=True)
    observe(shop, NOON - 2 * HOUR, NOON)

    heard = {one.name: one.no_data for one in slo_conditions(NOON + 4 * MINUTE)}
    silent = {one.name: one.no_data for one in slo_conditions(NOON + 6 * MINUTE)}

    assert not any(heard.values())
    # 604.8 s of budget are spent in ten minutes; those of the others last longer.
    assert silent == {"availability": True, "error-rate": False, "latency": False}


def test_an_alert_rule_fires_on_a_burn_and_on_silence():
    shop = make_endpoint("shop", critical=True)
    observe(shop, NOON - 2 * HOUR, NOON, bad=between(NOON - 20 * MINUTE, NOON))

    fired = {episode.rule_key for episode in evaluate_alerts(now=NOON).fired}
    later = {episode.rule_key for episode in evaluate_alerts(now=NOON + 2 * HOUR).fired}

    assert "slo_burn" in fired
    assert "slo_no_data" not in fired
    assert "slo_no_data" in later


def test_gather_costs_the_same_however_many_slos_and_endpoints():
    def queries():
        with CaptureQueriesContext(
            connection,
        ) as caught:
            read_slos(now=NOON)
        return len(caught)

    observe(make_endpoint("one", critical=True), NOON - 2 * HOUR, NOON, step=5 * MINUTE)
    few = queries()
    for number in range(4):
        endpoint = make_endpoint(f"more {number}", critical=True)
        observe(endpoint, NOON - 2 * HOUR, NOON, step=5 * MINUTE)
        slo = Slo.objects.create(
            name=f"slo-{number}", sli="latency", objective="0.95", threshold_ms=100 + number
        )
        slo.endpoints.add(endpoint)

    assert queries() == few == 10


def test_evaluate_slos_stores_one_row_a_moment():
    observe(make_endpoint("shop", critical=True), NOON - HOUR, NOON)

    evaluate_slos(now=NOON)
    evaluate_slos(now=NOON)

    row = SloEvaluation.objects.get(slo__name="availability")
    assert (row.at, row.standing, row.sli, row.breach) == (NOON, "healthy", 1.0, False)
    assert row.rates["300"] == 0
    assert row.remaining_s == pytest.approx(604.8)
    with pytest.raises(IntegrityError), transaction.atomic():
        SloEvaluation.objects.create(
            slo=row.slo,
            at=NOON,
            objective=row.objective,
            starts_at=NOON,
            ends_at=NOON,
            coverage=0,
            standing="healthy",
        )


def rounds(count, start=NOON, step=5 * MINUTE):
    return [evaluate_slos(now=start + step * n) for n in range(count)]


@pytest.fixture
def broken_shop():
    """An endpoint that fails from NOON - 10 min on, for two hours."""
    shop = make_endpoint("shop", critical=True)
    start = NOON - 10 * MINUTE
    observe(shop, NOON - HOUR, NOON + 2 * HOUR, bad=lambda at: start <= at)
    Slo.objects.exclude(name="availability").update(enabled=False)
    return shop


def test_the_third_breach_in_a_row_opens_an_incident_and_proposes_recovery(broken_shop):
    first, second, third = rounds(3)

    assert (first.incidents, second.incidents) == ([], [])
    (incident,) = third.incidents
    assert (incident.title, incident.opened_by) == ("SLO Available 99.9 % is missed", "SLO monitoring")
    assert incident.severity in ("P2", "P3")
    assert incident.opened_at == NOON - 5 * MINUTE
    (proposal,) = third.proposals
    assert (proposal.subsystem, proposal.incident, proposal.answered_at) == ("platform", incident, None)


def test_going_on_proposes_again_after_the_cool_down_and_opens_no_second_incident(broken_shop):
    rounds(14)

    assert Incident.objects.count() == 1
    times = list(RecoveryProposal.objects.order_by("proposed_at").values_list("proposed_at", flat=True))
    assert times == [NOON + 10 * MINUTE, NOON + 40 * MINUTE]


def test_an_slo_that_recovers_nothing_proposes_nothing(broken_shop):
    Slo.objects.update(recovers="")

    rounds(3)

    assert Incident.objects.count() == 1
    assert not RecoveryProposal.objects.exists()


def test_breaches_with_a_gap_between_are_not_in_a_row(broken_shop):
    rounds(2)
    (late,) = rounds(1, start=NOON + HOUR)

    assert late.lines[0].reading.breaches == 1
    assert not Incident.objects.exists()


def test_looking_thrice_within_a_minute_is_one_breach(broken_shop):
    rounds(3, step=10 * SECOND)

    assert not Incident.objects.exists()


def test_after_a_resolved_incident_a_new_one_is_opened(broken_shop):
    incident = rounds(3)[-1].incidents[0]
    resolve_incident(
        incident_id=incident.pk, resolved_at=NOON + 11 * MINUTE, actor="ada", now=NOON + 11 * MINUTE
    )

    (again,) = rounds(1, start=NOON + 15 * MINUTE)

    assert len(again.incidents) == 1


def test_the_time_line_says_when_the_objective_is_met_again():
    shop = make_endpoint("shop", critical=True)
    observe(shop, NOON - HOUR, NOON + HOUR, bad=between(NOON - 10 * MINUTE, NOON + 12 * MINUTE))
    Slo.objects.exclude(name="availability").update(enabled=False)

    rounds(6)

    entries = Incident.objects.get().entries.order_by("written_at", "id")
    assert [entry.kind for entry in entries] == ["opened", "updated", "updated"]
    assert entries[2].text.startswith("The objective was met again")


def test_housekeeping_forgets_old_evaluations():
    slo = Slo.objects.get(name="latency")
    for days in (89, 91):
        SloEvaluation.objects.create(
            slo=slo,
            at=NOON - days * DAY,
            objective=slo.objective,
            starts_at=NOON,
            ends_at=NOON,
            coverage=0,
            standing="healthy",
        )

    sentence = keep_house(NOON)

    assert "1 SLO evaluations" in sentence
    assert SloEvaluation.objects.get().at == NOON - 89 * DAY


def test_the_job_evaluates_and_says_what_is_not_well():
    make_endpoint("shop", critical=True)
    run = make_run("slo_monitoring")

    with enter(control_scope("test")):
        jobs.execute(run.pk)

    run.refresh_from_db()
    assert run.outcome == Outcome.FINDINGS.value
    assert run.summary == (
        "3 SLOs evaluated; not well: availability (no data), error-rate (no data), latency (no data)."
    )
    assert SloEvaluation.objects.count() == 3


def test_gather_knows_endpoints_that_nobody_has_seen():
    make_endpoint("shop", critical=True)
    Endpoint.objects.update(created_at=NOON - HOUR)

    material = next(iter(gather(now=NOON).material.values()))

    assert (material.history, material.silence_s) == (None, 3600)
