"""What a review must say: tables, no database."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from monitoring.domain.gates import evaluate
from monitoring.domain.policy import Policy
from monitoring.domain.reviews import (
    BlockerTerms,
    OpenPoint,
    ReviewDraft,
    WaiverTerms,
    faults_of,
    open_points,
)
from monitoring.domain.routine import checkpoint_due, daily_check_due
from monitoring.domain.verdicts import Decision
from tests.monitoring.domain.clean_evidence import clean, quiet, uptime

NOW = datetime(2025, 11, 24, 9, tzinfo=UTC)
POINT = OpenPoint("uptime", "Uptime FAIL", "99.90 %")
WAIVER = WaiverTerms("uptime", "One planned restart.", NOW + timedelta(days=7))
GO = ReviewDraft(Decision.GO, waivers=(WAIVER,))
NO_GO = ReviewDraft(
    Decision.NO_GO,
    blockers=(BlockerTerms("uptime", "130 s outage"),),
    plan="Second replica",
    plan_owner="otto",
    plan_due=date(2025, 11, 28),
    next_review_at=datetime(2025, 12, 1, 9, tzinfo=UTC),
)


def faults(draft, *, points=(POINT,), second="rita"):
    return faults_of(draft, points=points, signer="ada", second_person=second, now=NOW)


@pytest.mark.parametrize(
    "draft", [GO, NO_GO, replace(NO_GO, next_review_at=None, plan_due=date(2025, 11, 24))]
)
def test_complete_draft_has_no_fault(draft):
    assert faults(draft) == ()


def test_go_with_the_verdict_needs_nothing_more():
    assert faults(ReviewDraft(Decision.GO), points=(), second="") == ()


@pytest.mark.parametrize(
    ("changes", "field", "complaint"),
    [
        ({"waivers": ()}, "waivers", "GO needs a waiver of uptime, by name"),
        ({"waivers": (replace(WAIVER, subject="daily_cost"), WAIVER)}, "waivers", "is not open"),
        ({"waivers": (replace(WAIVER, reason=" "),)}, "waivers", "needs a reason"),
        ({"waivers": (replace(WAIVER, expires_at=NOW),)}, "waivers", "must expire in the future"),
        ({"waivers": (replace(WAIVER, expires_at=NOW + timedelta(days=91)),)}, "waivers", "90 days at most"),
        ({"waivers": (WAIVER, WAIVER)}, "waivers", "waived twice"),
        ({"blockers": NO_GO.blockers}, "blockers", "A GO has no blockers"),
        ({"plan": "x"}, "blockers", "A GO has no blockers"),
    ],
)
def test_go_says_what_is_missing(changes, field, complaint):
    (fault,) = faults(replace(GO, **changes))

    assert fault.field == field
    assert complaint in fault.text


@pytest.mark.parametrize(("second", "complaint"), [("", "needs a second person"), ("ada", "somebody else")])
def test_waiver_needs_another_person(second, complaint):
    (fault,) = faults(GO, second=second)

    assert (fault.field, complaint in fault.text) == ("second_person", True)


def test_waiver_of_nothing_open_is_refused():
    (fault,) = faults(GO, points=())

    assert "open: nothing" in fault.text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"waivers": (WAIVER,)}, "waivers"),
        ({"blockers": ()}, "blockers"),
        ({"blockers": (BlockerTerms("uptime", " "),)}, "blockers"),
        ({"plan": " "}, "plan"),
        ({"plan_owner": ""}, "plan_owner"),
        ({"plan_due": None}, "plan_due"),
        ({"plan_due": date(2025, 11, 23)}, "plan_due"),
        ({"extension_days": 0}, "extension_days"),
        ({"extension_days": 91}, "extension_days"),
        ({"next_review_at": NOW}, "next_review_at"),
    ],
)
def test_no_go_says_what_is_missing(changes, field):
    assert [fault.field for fault in faults(replace(NO_GO, **changes))] == [field]


def test_nothing_stands_open_under_a_go():
    assert open_points(evaluate(clean(), Policy())) == ()


def test_open_points_are_the_failed_gates_then_the_unproven_then_triggers():
    evidence = clean(
        uptime=uptime(low=0.999, likely=0.999, high=0.999),
        triggers=quiet(heals=None, api_failed_probes=3),
        costs=None,
    )

    points = open_points(evaluate(evidence, Policy()))

    assert [point.key for point in points][:2] == ["uptime", "daily_cost"]
    titles = {point.key: point.title for point in points}
    assert titles["uptime"] == "Uptime FAIL"
    assert titles["repeated_heal"] == "Repeated self-heal NOT KNOWN"
    assert titles["api_errors"] == "Intelligence API errors FIRED"


@pytest.mark.parametrize(
    ("at", "due"),
    [
        (datetime(2025, 11, 18, 8, 59, 59, tzinfo=UTC), False),
        (datetime(2025, 11, 18, 9, tzinfo=UTC), True),
        (datetime(2025, 11, 18, 9, 30, tzinfo=UTC).astimezone(), True),
        (datetime(2025, 11, 18, 23, 59, tzinfo=UTC), True),
    ],
)
def test_daily_check_is_due_from_nine(at, due):
    assert daily_check_due(at) is due


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "due"),
    [
        # The seed.
        ("2025-11-11T16:00", "2025-11-18T16:00", "2025-11-18T09:00"),
        ("2025-11-11T08:00", "2025-11-18T08:00", "2025-11-17T09:00"),
        ("2025-11-11T16:00", "2025-11-11T18:00", "2025-11-11T16:00"),
    ],
)
def test_checkpoint_is_due_on_the_last_day(starts_at, ends_at, due):
    instants = [datetime.fromisoformat(f"{text}+00:00") for text in (starts_at, ends_at, due)]

    assert checkpoint_due(instants[0], instants[1]) == instants[2]
