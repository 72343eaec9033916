"""Active users, churn, funnels, cohorts."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intelligence.domain.retention import (
    ActiveUsers,
    Activity,
    Churn,
    Member,
    SourceCounts,
    active_users,
    churn,
    cohorts,
    funnels,
    source_of,
)

DAY = date(2025, 11, 30)
NOW = datetime(2025, 11, 30, 12, tzinfo=UTC)
LONG_AGO = date(2025, 1, 1)


def ago(user: str, days: int) -> Activity:
    return Activity(user, DAY - timedelta(days=days))


def test_users_are_counted_once_per_window() -> None:
    seen = [
        ago("a", 0),
        ago("a", 0),
        ago("a", 3),
        ago("b", 6),
        ago("c", 7),
        ago("d", 29),
        ago("e", 30),
        ago("f", -1),
    ]

    found = active_users(seen, DAY, LONG_AGO)

    assert found == ActiveUsers(DAY, dau=1, wau=2, mau=4, recorded_days=30)
    assert found.stickiness == 0.25


@pytest.mark.parametrize("since", [None, DAY + timedelta(days=1)])
def test_before_the_record_nothing_is_known(since: date | None) -> None:
    found = active_users([ago("a", 0)], DAY, since)

    assert found == ActiveUsers(DAY, None, None, None, recorded_days=0)
    assert found.stickiness is None


def test_recorded_day_without_anyone_is_zero() -> None:
    found = active_users([], DAY, DAY)

    assert (found.dau, found.wau, found.mau, found.recorded_days) == (0, 0, 0, 1)
    assert found.stickiness is None


@given(st.lists(st.builds(ago, st.sampled_from("abcdefgh"), st.integers(-3, 40))))
def test_longer_windows_hold_no_fewer(seen: list[Activity]) -> None:
    found = active_users(seen, DAY, LONG_AGO)

    assert found.dau is not None
    assert found.wau is not None
    assert found.mau is not None
    assert 0 <= found.dau <= found.wau <= found.mau <= 8


def member(joined: float, active: float | None) -> Member:
    """Days before now."""
    seen = None if active is None else NOW - timedelta(days=active)
    return Member(NOW - timedelta(days=joined), seen)


@pytest.mark.parametrize(
    ("joined", "active", "inactive", "members"),
    [
        (100, 1, 0, 1),
        (100, 29.99, 0, 1),
        (100, 30, 1, 1),
        (100, None, 1, 1),
        (30, None, 1, 1),
        (29.99, None, 0, 1),
        (0, None, 0, 1),
        (-1, None, 0, 0),
        (100, -1, 1, 1),  # activity after now is not known yet
        (10, 50, 0, 1),  # invited again: an activity before joining does not make a leaver
    ],
)
def test_churn_of_one_member(joined: float, active: float | None, inactive: int, members: int) -> None:
    assert churn([member(joined, active)], NOW) == Churn(inactive, members)


def test_churn_rate_is_a_percentage() -> None:
    assert churn([member(100, 1), member(100, 31), member(100, 2), member(100, 3)], NOW).rate == 25.0
    assert churn([], NOW).rate is None


@given(st.lists(st.builds(member, st.integers(-5, 90), st.one_of(st.none(), st.integers(-5, 90)))))
def test_churn_is_between_0_and_100(members: list[Member]) -> None:
    found = churn(members, NOW)

    assert 0 <= found.inactive <= found.members <= len(members)
    assert found.rate is None or 0 <= found.rate <= 100


@pytest.mark.parametrize(
    ("name", "source"),
    [(None, "direct"), ("", "direct"), ("  ", "direct"), (" Reddit ", "reddit"), ("ads", "ads")],
)
def test_blank_source_is_direct(name: str | None, source: str) -> None:
    assert source_of(name) == source


def test_funnel_of_each_source() -> None:
    counts = [
        SourceCounts("Reddit", visits=150, signups=20, paid=4, revenue_cents=8_001),
        SourceCounts("reddit ", visits=50, signups=10, paid=2, revenue_cents=0),
        SourceCounts("", visits=0, signups=0, paid=0, revenue_cents=0),
    ]

    direct, reddit = funnels(counts)

    assert (direct.source, direct.conversion, direct.paid_conversion, direct.arpu) == (
        "direct",
        None,
        None,
        None,
    )
    assert (reddit.source, reddit.visits, reddit.signups, reddit.paid) == ("reddit", 200, 30, 6)
    assert (reddit.conversion, reddit.paid_conversion) == (15.0, 20.0)
    assert (reddit.revenue, reddit.arpu) == (Decimal("80.01"), Decimal("2.67"))


def test_refunds_make_revenue_negative() -> None:
    [found] = funnels([SourceCounts("ads", 1, 1, 0, -500)])

    assert found.revenue == Decimal(-5)


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="source 'ads'"):
        funnels([SourceCounts("ads", -1, 0, 0, 0)])


def test_cohorts_hold_only_weeks_that_are_over() -> None:
    monday = date(2025, 11, 3)
    signups = [
        Activity("a", monday),
        Activity("b", monday + timedelta(days=6)),
        Activity("c", monday + timedelta(days=7)),
        Activity("a", DAY),
    ]
    active = [
        Activity("a", monday),
        Activity("b", monday + timedelta(days=1)),
        Activity("a", monday + timedelta(days=8)),
        Activity("a", monday + timedelta(days=22)),
    ]

    first, second = cohorts(signups, active, today=monday + timedelta(days=22))

    assert (first.week, first.users, first.retained) == (monday, 2, (1.0, 0.5, 0.0))
    assert (second.week, second.users, second.retained) == (monday + timedelta(days=7), 1, (0.0, 0.0))


def test_cohort_of_this_week_has_no_shares_yet() -> None:
    [found] = cohorts([Activity("a", DAY)], [Activity("a", DAY)], today=DAY)

    assert (found.users, found.retained) == (1, ())


def test_no_signups_no_cohorts() -> None:
    assert cohorts([], [ago("a", 1)], today=DAY) == ()
