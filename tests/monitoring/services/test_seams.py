"""Each way in which a decider is known to open by itself, on real rows: none makes GO, none proves a gate."""

import io
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitoring.domain.evidence import UnableToJudge
from monitoring.domain.occasions import Occasion
from monitoring.domain.policy import ErrorRateCriterion, Policy, WindowKind, WindowRule
from monitoring.domain.policy_fields import UnableToReadPolicy
from monitoring.domain.verdicts import Decision
from monitoring.models import (
    BurnIn,
    BurnInChange,
    CostEntry,
    Endpoint,
    EndpointState,
    GatePolicy,
    Incident,
    MaintenanceWindow,
    ObservedSpan,
    Outage,
)
from monitoring.services.bundles import evidence_bundle
from monitoring.services.burn_ins import BurnInPlan, begin_burn_in
from monitoring.services.judging import judge
from monitoring.services.verdicts import replay, store_verdict
from monitoring.services.verification import verify
from monitoring.verifier.verify import check_bundle, read_bundle
from tests.factories import NOON, make_endpoint
from tests.monitoring.services.weeks import DAY, HOUR, POLICY, good_week, observe

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_key(settings, tmp_path):
    settings.LEVQOR_VAR = tmp_path / "var"


OWN_WINDOW = Policy(
    window=WindowRule(kind=WindowKind.BURN_IN), error_rate=ErrorRateCriterion(min_observations=100)
)


def standing(verdict, key="uptime"):
    return next(one.standing.value for one in verdict.gates if one.key == key)


def test_no_policy_is_no_go():
    verdict = judge(now=NOON)

    assert (verdict.decision, verdict.within) == (Decision.NO_GO, 0)
    assert "The policy has no criterion for this gate." in verdict.reasons[0]


def test_empty_policy_cannot_be_judged_by():
    GatePolicy.objects.create(version=1, criteria={}, created_by="test")

    with pytest.raises(UnableToReadPolicy, match=r"policy\.version is missing"):
        judge(now=NOON)


def test_gate_removed_from_the_stored_policy_cannot_be_judged_by():
    criteria = Policy().to_dict()
    del criteria["gates"]["uptime"]
    GatePolicy.objects.create(version=1, criteria=criteria, created_by="test")

    with pytest.raises(UnableToReadPolicy, match=r"gates\.uptime is missing"):
        judge(now=NOON)


def test_probing_that_stopped_early_proves_nothing():
    good_week(until=NOON - DAY)

    verdict = judge(now=NOON)

    assert verdict.decision is Decision.NO_GO
    assert (standing(verdict), standing(verdict, "error_rate")) == ("ON TRACK", "NO DATA")
    assert not verdict.gates[2].proven


def test_paused_probes_prove_nothing():
    shop = good_week(until=NOON - 12 * HOUR)
    Endpoint.objects.filter(pk=shop.pk).update(enabled=False)

    verdict = judge(now=NOON)

    assert standing(verdict) == "ON TRACK"
    assert "Only 9" in verdict.gates[0].explanation


def test_all_endpoints_non_critical_prove_nothing():
    good_week()
    Endpoint.objects.update(critical=False)

    assert standing(judge(now=NOON)) == "NO DATA"


def test_window_in_the_future_proves_nothing():
    good_week(policy=OWN_WINDOW)
    begin_burn_in(
        BurnInPlan("next", NOON + DAY, NOON + 8 * DAY, NOON + 9 * DAY), now=NOON - HOUR, actor="test"
    )
    policy = GatePolicy.objects.get()
    BurnIn.objects.update(policy=policy)

    verdict = judge(now=NOON)

    assert verdict.decision is Decision.NO_GO
    assert verdict.window.start == NOON + DAY
    # The error rate has a window of its own, the past 24 hours.
    assert [one.key for one in verdict.gates if one.proven] == ["error_rate"]


def test_own_window_without_a_burn_in_cannot_be_judged():
    GatePolicy.objects.create(version=1, criteria=OWN_WINDOW.to_dict(), created_by="test")

    with pytest.raises(UnableToJudge, match="no burn-in is open"):
        judge(now=NOON)


def test_own_window_that_still_runs_proves_nothing():
    good_week(policy=OWN_WINDOW, until=NOON - 4 * DAY)

    verdict = replay(at=NOON - 4 * DAY, now=NOON).verdict

    assert "The window ends only on" in verdict.gates[0].explanation
    assert not verdict.gates[0].proven


def test_replay_of_the_time_before_anything_was_measured_proves_nothing():
    good_week()

    verdict = replay(at=NOON - 30 * DAY, now=NOON).verdict

    assert (verdict.decision, verdict.within, verdict.proven) == (Decision.NO_GO, 0, 0)


def test_critical_endpoint_that_was_never_probed_proves_nothing():
    good_week()
    make_endpoint("silent", critical=True, now=NOON - 9 * DAY)

    assert standing(judge(now=NOON)) == "NO DATA"


def test_deleted_outages_leave_failed_probes_that_belong_to_none():
    good_week(bad=[(NOON - 2 * DAY, NOON - 2 * DAY + 5 * HOUR)])
    before = judge(now=NOON)
    EndpointState.objects.update(outage=None)
    Outage.objects.all().delete()

    after = judge(now=NOON)

    assert standing(before) == "FAIL"
    assert not after.gates[0].proven
    assert "5 failed probes belong to no recorded outage" in after.gates[0].explanation


def test_deleted_spans_are_missing_evidence():
    shop = good_week()
    ObservedSpan.objects.filter(endpoint=shop).delete()

    verdict = judge(now=NOON)

    assert standing(verdict) == "NO DATA"
    assert standing(verdict, "p1_incidents") != "PASS"


def maintain(start, end, *, marked_at, exclude=True):
    """A maintenance window over every endpoint."""
    return MaintenanceWindow.objects.create(
        title="planned work",
        reason="test",
        all_endpoints=True,
        starts_at=start,
        ends_at=end,
        exclude_from_uptime=exclude,
        created_by="test",
        created_at=marked_at,
    )


def test_only_maintenance_proves_nothing():
    good_week()
    maintain(NOON - 30 * DAY, NOON + DAY, marked_at=NOON - 30 * DAY)

    verdict = judge(now=NOON)

    assert standing(verdict) == "NO DATA"
    assert verdict.decision is Decision.NO_GO


def test_maintenance_takes_its_outage_out_and_nothing_else():
    good_week(bad=[(NOON - 2 * DAY, NOON - 2 * DAY + 3 * HOUR)])
    maintain(NOON - 2 * DAY - HOUR, NOON - 2 * DAY + 4 * HOUR, marked_at=NOON - 3 * DAY)

    assert standing(judge(now=NOON)) == "PASS"
    MaintenanceWindow.objects.update(exclude_from_uptime=False)
    assert standing(judge(now=NOON)) == "FAIL"


def test_maintenance_marked_afterwards_changes_no_verdict_of_before():
    good_week(bad=[(NOON - 2 * DAY, NOON - 2 * DAY + 3 * HOUR)])
    stored = store_verdict(now=NOON, occasion=Occasion.COMMAND)
    maintain(NOON - 2 * DAY - HOUR, NOON - 2 * DAY + 4 * HOUR, marked_at=NOON + HOUR)

    assert standing(judge(now=NOON)) == "PASS"
    assert standing(replay(at=NOON, now=NOON + DAY).verdict) == "FAIL"
    assert verify(stored.number).differences == ()


def test_maintenance_withdrawn_afterwards_stays_in_the_verdict_of_before():
    good_week(bad=[(NOON - 2 * DAY, NOON - 2 * DAY + 3 * HOUR)])
    maintain(NOON - 2 * DAY - HOUR, NOON - 2 * DAY + 4 * HOUR, marked_at=NOON - 3 * DAY)
    stored = store_verdict(now=NOON, occasion=Occasion.COMMAND)
    bundle = read_bundle(io.BytesIO(evidence_bundle(stored.number).content))
    MaintenanceWindow.objects.update(withdrawn_at=NOON + HOUR, withdrawn_by="test")

    assert standing(judge(now=NOON)) == "FAIL"
    assert standing(replay(at=NOON, now=NOON + DAY).verdict) == "PASS"
    assert verify(stored.number).differences == ()
    assert check_bundle(bundle) == []


def readings(verdict):
    """What of a verdict must not depend on how its rows are stored."""
    return (
        verdict.decision,
        verdict.conclusive,
        [
            (one.key, one.standing, one.value, one.low, one.high, one.coverage, one.samples)
            for one in verdict.gates
        ],
        [(one.key, one.fired, one.observed) for one in verdict.triggers],
    )


def stored_rows():
    """The keys of every row that may be lost."""
    return [
        *(("span", pk) for pk in ObservedSpan.objects.values_list("pk", flat=True)),
        *(("cost", pk) for pk in CostEntry.objects.values_list("pk", flat=True)),
        *(("outage", pk) for pk in Outage.objects.values_list("pk", flat=True)),
        ("critical", 0),
        ("burn-in", 0),
    ]


def lose(kind, pk):
    if kind == "span":
        EndpointState.objects.filter(span_id=pk).update(span=None)
        ObservedSpan.objects.filter(pk=pk).delete()
    elif kind == "cost":
        CostEntry.objects.filter(pk=pk).delete()
    elif kind == "outage":
        EndpointState.objects.filter(outage_id=pk).update(outage=None)
        Outage.objects.filter(pk=pk).delete()
    elif kind == "critical":
        Endpoint.objects.update(critical=False)
    else:
        BurnIn.objects.update(is_current=False)


def test_verdict_never_improves_when_rows_are_deleted():
    good_week(bad=[(NOON - 3 * DAY, NOON - 3 * DAY + 2 * HOUR), (NOON - 30 * HOUR, NOON - 29 * HOUR)])
    before = judge(now=NOON)
    keys = stored_rows()

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.sampled_from(keys), min_size=1, max_size=8, unique=True))
    def losing(lost):
        with transaction.atomic():
            for key in lost:
                lose(*key)
            after = judge(now=NOON)
            transaction.set_rollback(True)

        assert after.decision is Decision.NO_GO
        assert after.proven <= before.proven
        proven = {one.key: one.proven for one in before.gates}
        assert all(proven[one.key] for one in after.gates if one.proven)

    losing()


def test_verdict_does_not_depend_on_the_order_of_rows():
    good_week(bad=[(NOON - 3 * DAY, NOON - 3 * DAY + 2 * HOUR), (NOON - 30 * HOUR, NOON - 28 * HOUR)])
    Incident.objects.create(title="a", severity="P1", opened_at=NOON - DAY, opened_by="t", created_at=NOON)
    Incident.objects.create(title="b", severity="P2", opened_at=NOON - DAY, opened_by="t", created_at=NOON)
    before = readings(judge(now=NOON))

    @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.randoms(use_true_random=False))
    def shuffled(random):
        with transaction.atomic():
            EndpointState.objects.update(outage=None, span=None)
            for model in (ObservedSpan, Outage, CostEntry, Incident):
                rows = list(model.objects.all())
                model.objects.all().delete()
                random.shuffle(rows)
                for row in rows:
                    row.pk = None
                model.objects.bulk_create(rows)
            after = readings(judge(now=NOON))
            transaction.set_rollback(True)

        assert after == before

    shuffled()


def test_verdict_is_the_same_when_a_row_is_split():
    good_week(bad=[(NOON - 3 * DAY, NOON - 3 * DAY + 2 * HOUR)])
    before = readings(judge(now=NOON))
    spans = list(ObservedSpan.objects.values_list("pk", flat=True))
    costs = list(CostEntry.objects.values_list("pk", flat=True))

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(spans), st.sampled_from(costs), st.floats(0.01, 0.99))
    def split(span_pk, cost_pk, share):
        with transaction.atomic():
            span = ObservedSpan.objects.get(pk=span_pk)
            middle = span.started_at + (span.ended_at - span.started_at) * share
            ObservedSpan.objects.create(endpoint=span.endpoint, started_at=middle, ended_at=span.ended_at)
            ObservedSpan.objects.filter(pk=span_pk).update(ended_at=middle)
            cost = CostEntry.objects.get(pk=cost_pk)
            part = (cost.amount * 10_000 * round(share * 100) // 100) / 10_000
            CostEntry.objects.create(
                day=cost.day, service=cost.service, amount=part, kind=cost.kind, source="split"
            )
            CostEntry.objects.filter(pk=cost_pk).update(amount=cost.amount - part)
            after = readings(judge(now=NOON))
            transaction.set_rollback(True)

        assert after == before

    split()


def test_verdict_is_the_same_when_an_outage_is_split():
    good_week(bad=[(NOON - 3 * DAY, NOON - 3 * DAY + 6 * HOUR)])
    before = readings(judge(now=NOON))
    whole = Outage.objects.get()
    middle = whole.first_bad_at + 2 * HOUR
    Outage.objects.create(
        endpoint=whole.endpoint,
        last_good_at=middle,
        first_bad_at=middle,
        last_bad_at=whole.last_bad_at,
        first_good_at=whole.first_good_at,
        confirmed=True,
        failures=4,
    )
    Outage.objects.filter(pk=whole.pk).update(last_bad_at=middle, first_good_at=middle, failures=2)

    assert readings(judge(now=NOON)) == before


def test_probing_again_after_a_gap_does_not_fill_it():
    shop = good_week(until=NOON - 12 * HOUR)
    observe(shop, NOON - HOUR, NOON, step=timedelta(minutes=10))

    assert not judge(now=NOON).gates[0].proven


def test_policy_of_a_good_week_is_what_it_was():
    good_week()

    assert BurnInChange.objects.get().policy.criteria == POLICY.to_dict()
