from datetime import timedelta

import pytest
from celery import Celery
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from monitoring.clients import broker
from monitoring.domain.runs import JobResult, Outcome
from monitoring.models import BeatLease, JobRun
from monitoring.services import ledger
from monitoring.services.beat import release_lease, take_lease
from monitoring.services.ledger import NewRun, OwedRun
from tests.monitoring.runs import SLOT, make_run, make_running

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_queue():
    broker._client(0.5).delete(settings.CELERY_TASK_DEFAULT_QUEUE)


@pytest.fixture
def dead_broker(monkeypatch):
    """Messages go to a port on which nobody listens."""
    app = Celery("dead", broker="redis://127.0.0.1:1/0", set_as_current=False)
    monkeypatch.setattr(broker, "current_app", app)


def test_open_slots_opens_each_slot_once():
    epoch = take_lease("me")
    runs = [NewRun("kv_cost_sync", SLOT), NewRun("ops_report", SLOT)]

    first = ledger.open_slots(runs, holder="me", epoch=epoch)
    second = ledger.open_slots(runs, holder="me", epoch=epoch)

    assert [owed.job for owed in first] == ["kv_cost_sync", "ops_report"]
    assert second == []
    assert JobRun.objects.filter(state="pending", epoch=epoch).count() == 2


def test_open_slots_writes_down_what_is_not_run():
    epoch = take_lease("me")
    missed = NewRun("kv_cost_sync", SLOT, Outcome.MISSED, "Beat was not running.")

    opened = ledger.open_slots([missed], holder="me", epoch=epoch)

    run = JobRun.objects.get()
    assert opened == []
    assert (run.state, run.outcome, run.summary) == ("done", "missed", "Beat was not running.")


@pytest.mark.parametrize(("holder", "older"), [("other", 0), ("me", 1)])
def test_open_slots_is_fenced(holder, older):
    epoch = take_lease("me")

    opened = ledger.open_slots([NewRun("kv_cost_sync", SLOT)], holder=holder, epoch=epoch - older)

    assert opened == []
    assert not JobRun.objects.exists()


def test_the_lease_changes_hands_when_it_ran_out_and_raises_the_epoch():
    first = take_lease("me")
    refused = take_lease("other")
    renewed = take_lease("me")
    BeatLease.objects.update(lease_until=Now() - timedelta(seconds=1))
    second = take_lease("other")

    assert (refused, renewed, second) == (None, first, first + 1)
    assert take_lease("me") is None


def test_a_released_lease_is_free_at_once():
    first = take_lease("me")
    release_lease("me")

    assert take_lease("other") == first + 1


def test_publish_puts_a_message_for_each_run_on_the_queue():
    run = make_run()

    sent = ledger.publish([OwedRun(run.pk, run.job)])

    assert sent == 1
    assert broker.depth() == 1


@pytest.mark.usefixtures("dead_broker")
def test_what_the_broker_does_not_take_is_kept_and_sent_by_a_later_sweep():
    epoch = take_lease("me")
    opened = ledger.open_slots([NewRun("kv_cost_sync", SLOT)], holder="me", epoch=epoch)

    sent = ledger.publish(opened)

    assert sent == 0
    assert JobRun.objects.get().published_at is None


def test_send_owed_sends_what_was_never_sent_once():
    make_run()

    assert [ledger.send_owed(), ledger.send_owed()] == [1, 0]
    assert broker.depth() == 1


@pytest.mark.parametrize(
    ("created_s", "published_s", "sent"),
    [(12, 12, 1), (8, 8, 0), (40, 28, 1), (40, 11, 0), (500, 31, 1), (500, 29, 0)],
)
def test_send_owed_sends_again_with_growing_patience(created_s, published_s, sent):
    def ago(seconds):
        return Now() - timedelta(seconds=seconds)

    make_run(created_at=ago(created_s), published_at=ago(published_s))

    assert ledger.send_owed() == sent


def test_send_owed_closes_runs_of_jobs_that_are_no_more():
    run = make_run("retired_job")

    ledger.send_owed()

    run.refresh_from_db()
    assert (run.state, run.outcome) == ("done", "skipped")


def test_claim_is_had_by_one_worker_only():
    run = make_run()

    first, second = ledger.claim(run.pk, worker="a"), ledger.claim(run.pk, worker="b")

    assert first.worker == "a"
    assert first.attempt == 1
    assert second is None


@pytest.mark.parametrize("fields", [{"state": "done", "outcome": "ok"}, {"state": "dead"}, {"attempt": 3}])
def test_claim_leaves_what_is_not_to_be_had(fields):
    run = make_run(**fields)

    assert ledger.claim(run.pk, worker="a") is None


def test_claim_of_a_run_that_is_gone_is_nothing():
    assert ledger.claim(0, worker="a") is None


def test_finish_is_refused_to_who_lost_the_run():
    make_run()
    run = ledger.claim(JobRun.objects.get().pk, worker="slow")
    JobRun.objects.update(attempt=2, worker="quick")

    with pytest.raises(ledger.LostRun, match="taken over"):
        ledger.finish(run, JobResult.ok("done"))

    assert JobRun.objects.get().state == "running"


def test_release_frees_a_run_whose_worker_fell_silent():
    run = make_running(lease_s=-1, started_s=30)

    released = ledger.release_expired()

    run.refresh_from_db()
    assert released == 1
    assert (run.state, run.published_at, run.lease_until) == ("pending", None, None)


def test_release_leaves_a_held_run_alone():
    make_running(lease_s=5)

    assert ledger.release_expired() == 0


def test_release_gives_up_after_three_attempts():
    run = make_running(lease_s=-1, started_s=30, attempt=3)

    ledger.release_expired()

    run.refresh_from_db()
    assert (run.state, run.outcome) == ("dead", "error")
    assert run.summary == "Given up after 3 attempts; the last worker, elsewhere:1, fell silent."


def test_release_times_out_a_run_that_was_held_to_its_limit():
    # kv_cost_sync may take 120 s; its lease is renewed up to then and not beyond.
    run = make_running(lease_s=-3, started_s=123)

    ledger.release_expired()

    run.refresh_from_db()
    assert (run.state, run.outcome) == ("done", "timed_out")
    assert run.duration == timedelta(seconds=120)


def test_hand_back_makes_a_held_run_owed_again():
    make_run()
    run = ledger.claim(JobRun.objects.get().pk, worker="a")

    assert ledger.hand_back(run) is True
    assert ledger.claim(run.pk, worker="b").attempt == 2


def test_hand_back_is_refused_at_the_last_attempt():
    run = make_running(lease_s=5, attempt=3)

    assert ledger.hand_back(run) is False


@pytest.mark.django_db(transaction=True)
def test_holding_renews_the_lease_while_the_work_lasts(settings):
    settings.JOB_LEASE_SECONDS = 0.4
    make_run()
    run = ledger.claim(JobRun.objects.get().pk, worker="a")
    before = run.lease_until

    with ledger.holding(run):
        renewed = _wait_for_later_lease(run, before)

    assert renewed > before


def _wait_for_later_lease(run, before):
    # Polls the row itself: what is waited for is another thread's statement, not time.
    for _ in range(500):
        run.refresh_from_db()
        if run.lease_until > before:
            break
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.01)")
    return run.lease_until
