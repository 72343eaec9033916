from datetime import timedelta

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from django.db import IntegrityError, OperationalError, transaction

from monitoring.domain.runs import JobResult, Outcome, Trigger
from monitoring.jobs import JOBS
from monitoring.models import CostEntry, JobRun
from monitoring.services import jobs
from tenancy.context import current_scope
from tenancy.domain.row_security import CONTROL_ROLE
from tests.monitoring.runs import SLOT, make_run, make_running, working

pytestmark = pytest.mark.django_db

_JOB = JOBS["kv_cost_sync"]


def _spend(run):
    CostEntry.objects.create(day=run.scheduled_for.date(), service="x", amount=1, kind="fixed", source="test")
    return JobResult.ok("spent")


def _seen(run):
    run.refresh_from_db()
    return run.state, run.outcome, run.summary


@pytest.mark.parametrize(
    "result", [JobResult.ok("all well"), JobResult.findings("one"), JobResult.skipped("why")]
)
def test_execute_writes_down_how_the_work_ended(result):
    run = make_run()

    with working(lambda run: result):
        sentence = jobs.execute(run.pk, worker="me")

    assert _seen(run) == ("done", result.outcome.value, result.summary)
    assert sentence == f"kv_cost_sync: {result.outcome}: {result.summary}"
    assert run.worker == "me"
    assert run.duration >= timedelta(0)


def test_execute_skips_a_job_that_is_not_built(monkeypatch):
    monkeypatch.setattr(jobs, "work_of", lambda key: None)
    run = make_run()

    jobs.execute(run.pk)

    assert _seen(run) == ("done", "skipped", "not built yet")


def test_execute_gives_the_work_the_control_plane():
    seen = []

    def look(run):
        seen.append(current_scope().role)
        return JobResult.ok("")

    with working(look):
        jobs.execute(make_run().pk)

    assert seen == [CONTROL_ROLE]


def test_execute_does_a_run_once():
    run = make_run()

    with working(_spend):
        jobs.execute(run.pk)
        again = jobs.execute(run.pk)

    assert again == f"run {run.pk} is not owed"
    assert CostEntry.objects.count() == 1


@pytest.mark.parametrize("atomic", [True, False])
def test_a_failing_job_raises_after_it_was_written_down(atomic):
    def fail(run):
        with transaction.atomic():  # work that is not atomic opens its own
            _spend(run)
        raise ValueError("no rates for EUR")

    run = make_run()

    with working(fail, atomic=atomic), pytest.raises(ValueError, match="no rates"):
        jobs.execute(run.pk)

    assert _seen(run) == ("done", "error", "ValueError: no rates for EUR")
    # What an atomic job did before it failed is undone.
    assert CostEntry.objects.count() == (0 if atomic else 1)


def test_a_job_that_violates_a_constraint_is_written_down_too():
    def fail(run):
        _spend(run)
        return _spend(run)

    run = make_run()

    with working(fail), pytest.raises(IntegrityError):
        jobs.execute(run.pk)

    assert _seen(run)[:2] == ("done", "error")


def test_a_job_over_its_soft_limit_has_timed_out():
    def slow(run):
        raise SoftTimeLimitExceeded

    run = make_run()

    with working(slow), pytest.raises(SoftTimeLimitExceeded):
        jobs.execute(run.pk)

    assert _seen(run)[:2] == ("done", "timed_out")


def test_work_interrupted_by_the_loss_of_the_database_is_owed_again():
    def lose(run):
        raise OperationalError("server closed the connection unexpectedly")

    run = make_run()

    for _ in range(3):
        with working(lose), pytest.raises(OperationalError):
            jobs.execute(run.pk)

    # Twice handed back, and the third attempt is the last.
    assert _seen(run)[:2] == ("done", "error")
    assert run.attempt == 3


def test_who_lost_the_run_leaves_no_effect():
    def slow(run):
        JobRun.objects.filter(pk=run.pk).update(attempt=2, worker="quick")
        return _spend(run)

    run = make_run()

    with working(slow):
        sentence = jobs.execute(run.pk)

    assert "taken over" in sentence
    assert CostEntry.objects.count() == 0


def test_run_now_owes_a_run_and_sends_nothing_itself():
    run = jobs.run_now(_JOB, by="ann", now=SLOT)

    assert (run.state, run.trigger, run.requested_by) == ("pending", Trigger.PERSON.value, "ann")
    assert run.published_at is None


def test_run_for_slot_is_idempotent():
    first = jobs.run_for_slot(_JOB, at=SLOT, by="ann")
    with working(_spend):
        jobs.execute(first.pk)

    second = jobs.run_for_slot(_JOB, at=SLOT, by="bob")

    assert second.pk == first.pk
    assert (second.state, second.requested_by) == ("done", "ann")


def test_run_for_slot_opens_a_missed_slot_again():
    missed = make_run(state="done", outcome=Outcome.MISSED.value, summary="Beat was not running.")

    run = jobs.run_for_slot(_JOB, at=SLOT, by="ann")

    assert run.pk == missed.pk
    assert (run.state, run.outcome, run.trigger) == ("pending", "", "command")


def test_run_for_slot_leaves_a_running_one_alone():
    make_running(lease_s=10)

    run = jobs.run_for_slot(_JOB, at=SLOT, by="ann")

    assert run.state == "running"
