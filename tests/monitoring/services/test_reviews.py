"""Reviews on real rows: who may sign what, and what follows."""

from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, transaction

from monitoring.domain.reviews import BlockerTerms, ReviewDraft, WaiverTerms
from monitoring.domain.verdicts import Decision
from monitoring.models import Blocker, BurnInChange, OpsLogEntry, Review, Verdict, Waiver
from monitoring.services.burn_ins import BurnInPlan, begin_burn_in, current_burn_in
from monitoring.services.reviews import UnableToSign, gather_review_sheet, sign_review
from tenancy.context import control_transaction
from tests.factories import NOON
from tests.monitoring.services.weeks import DAY, good_week
from tests.people import PASSWORD, make_person, make_superuser

pytestmark = pytest.mark.django_db
NO_GO = ReviewDraft(
    Decision.NO_GO,
    blockers=(BlockerTerms("repeated_heal", "Heals are not counted."),),
    plan="Count them.",
    plan_owner="ada",
    plan_due=date(2025, 11, 20),
)


def waivers(*, now=NOON, leave_out=0):
    points = gather_review_sheet(now=now).points
    return tuple(WaiverTerms(one.key, "Known and small.", now + 7 * DAY) for one in points[leave_out:])


def test_no_go_extends_by_a_week_and_keeps_blocker_and_plan():
    seed = datetime(2025, 11, 24, 9, tzinfo=UTC)
    begin_burn_in(
        BurnInPlan(
            "seed", datetime(2025, 11, 11, 16, tzinfo=UTC), datetime(2025, 11, 18, 16, tzinfo=UTC), seed
        ),
        now=datetime(2025, 11, 11, 16, tzinfo=UTC),
        actor="test",
    )
    draft = ReviewDraft(
        Decision.NO_GO,
        blockers=(BlockerTerms("uptime", "130 s outage"),),
        plan="Second replica",
        plan_owner="otto",
        plan_due=date(2025, 11, 28),
    )

    review = sign_review(draft, signer=make_superuser(), second=None, now=seed, through="admin")

    burn_in = current_burn_in()
    assert burn_in.ends_at == datetime(2025, 11, 25, 16, tzinfo=UTC)
    assert burn_in.review_at == review.next_review_at == datetime(2025, 12, 1, 9, tzinfo=UTC)
    assert (burn_in.state, burn_in.outcome) == ("extended", "")
    assert list(BurnInChange.objects.order_by("id").values_list("kind", flat=True)) == [
        "started",
        "reviewed",
        "extended",
    ]
    assert Blocker.objects.get().text == "130 s outage"
    assert review.verdict.occasion == "review"
    assert "Second replica" in OpsLogEntry.objects.get(kind="review").text


def test_go_against_the_verdict_needs_a_waiver_of_every_open_point():
    good_week()
    signer, second = make_superuser(), make_person("rita", "reviewer")

    draft = ReviewDraft(Decision.GO, waivers=waivers(leave_out=1))
    with pytest.raises(UnableToSign, match="GO needs a waiver of") as refused:
        sign_review(draft, signer=signer, second=second, now=NOON, through="admin")
    assert [fault.field for fault in refused.value.faults] == ["waivers"]
    assert not Review.objects.exists()
    assert not Verdict.objects.exists()

    review = sign_review(
        ReviewDraft(Decision.GO, waivers=waivers()), signer=signer, second=second, now=NOON, through="admin"
    )

    assert (review.decision, review.verdict.decision) == ("GO", "NO-GO")
    assert {one.second_person for one in Waiver.objects.all()} == {"rita"}
    assert (current_burn_in().state, current_burn_in().outcome) == ("reviewed", "GO")


def test_second_person_must_be_there_and_be_somebody_else_with_the_right():
    good_week()
    signer, draft = make_superuser(), ReviewDraft(Decision.GO, waivers=waivers())

    with pytest.raises(UnableToSign, match="needs a second person"):
        sign_review(draft, signer=signer, second=None, now=NOON, through="admin")
    with pytest.raises(UnableToSign, match="somebody else"):
        sign_review(draft, signer=signer, second=signer, now=NOON, through="admin")
    with pytest.raises(UnableToSign, match=r"vera does not have the right"):
        sign_review(draft, signer=signer, second=make_person("vera", "viewer"), now=NOON, through="admin")


def test_signing_needs_the_right():
    good_week()

    with pytest.raises(UnableToSign, match=r"otto does not have the right monitoring\.sign_review"):
        sign_review(NO_GO, signer=make_person("otto", "operator"), second=None, now=NOON, through="admin")


def test_later_review_supersedes_and_none_is_changed():
    good_week()
    signer, second = make_superuser(), make_person("rita", "reviewer")
    first = sign_review(NO_GO, signer=signer, second=None, now=NOON, through="admin")
    later = NOON + timedelta(minutes=5)
    draft = ReviewDraft(Decision.GO, waivers=waivers(now=later))

    newest = sign_review(draft, signer=signer, second=second, now=later, through="admin")

    assert newest.supersedes == first
    assert gather_review_sheet(now=later).newest == newest
    for rows in (Review.objects, Waiver.objects, Blocker.objects):
        with pytest.raises(DatabaseError), control_transaction("test"):
            rows.all().delete()
    with pytest.raises(DatabaseError), control_transaction("test"):
        Review.objects.update(decision="GO")


def test_database_refuses_a_waiver_by_one_person():
    good_week()
    review = sign_review(NO_GO, signer=make_superuser(), second=None, now=NOON, through="admin")

    with pytest.raises(IntegrityError, match="waiver_by_two_people"), transaction.atomic():
        Waiver.objects.create(
            review=review, subject="uptime", reason="x", expires_at=NOON, signed_by="ada", second_person="ada"
        )


def test_verdict_that_changed_since_it_was_shown_is_not_signed():
    good_week()

    with pytest.raises(UnableToSign, match="has changed since it was shown"):
        sign_review(NO_GO, signer=make_superuser(), second=None, now=NOON, through="admin", seal="0" * 16)

    assert not Verdict.objects.exists()


def test_without_a_burn_in_nothing_is_signed():
    good_week()
    current_burn_in().__class__.objects.update(is_current=False)

    with pytest.raises(UnableToSign, match="No burn-in is open"):
        sign_review(NO_GO, signer=make_superuser(), second=None, now=NOON, through="admin")


@time_machine.travel(NOON, tick=False)
def test_review_command_shows_then_signs_with_a_password(monkeypatch):
    good_week()
    make_superuser("ada", password=PASSWORD)
    out = StringIO()
    terms = {"decision": "NO-GO", "signer": "ada", "plan": "Mend", "owner": "otto", "due": date(2025, 11, 20)}

    call_command("burnin_review", stdout=out)
    monkeypatch.setattr("sys.stdin", StringIO("wrong\n"))
    with pytest.raises(CommandError, match="ada could not be authenticated"):
        call_command("burnin_review", blocker=[BlockerTerms("uptime", "too low")], stdout=out, **terms)
    monkeypatch.setattr("sys.stdin", StringIO(f"{PASSWORD}\n"))
    call_command("burnin_review", "--blocker", "uptime=too low", stdout=out, **terms)

    assert "open: repeated_heal" in out.getvalue()
    review = Review.objects.get()
    assert (review.signed_by, review.signed_through) == ("ada", "command line")
    assert review.blockers.get().subject == "uptime"


@time_machine.travel(NOON, tick=False)
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--decision", "GO"], "Who signs"),
        (["--waive", "uptime"], "no waiver"),
        (["--blocker", "uptime"], "no blocker"),
        (["--due", "soon"], "no date"),
    ],
)
def test_review_command_says_what_is_wrong(arguments, complaint):
    good_week()

    with pytest.raises(CommandError, match=complaint):
        call_command("burnin_review", *arguments, stdout=StringIO())
