from datetime import UTC, date, datetime, timedelta

import pytest

from monitoring.domain.windows import Window
from monitoring.services.alert_days import alerts_by_day
from tests.monitoring.alerts import make_episode
from tests.monitoring.runs import make_run

pytestmark = pytest.mark.django_db

DAY = date(2025, 11, 15)
MIDNIGHT = datetime(2025, 11, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
SPAN = Window(MIDNIGHT - timedelta(days=2), MIDNIGHT + timedelta(days=2))


def look(now=MIDNIGHT + timedelta(days=1), least=0.95):
    return alerts_by_day(SPAN, now, least_evaluated=least)


def evaluate_hours(*hours, outcome="ok"):
    for hour in hours:
        for minute in (0, 5):
            at = MIDNIGHT + hour * HOUR + timedelta(minutes=minute)
            make_run("alert_checks", at, state="done", outcome=outcome, finished_at=at)


def test_a_day_on_which_nobody_looked_is_not_known():
    assert look() == {}


def test_a_day_on_which_the_rules_were_evaluated_has_no_alert():
    evaluate_hours(*range(23), outcome="findings")

    assert look() == {DAY: False}


@pytest.mark.parametrize("outcome", ["ok", "error"])
def test_a_day_with_too_few_evaluations_is_not_known(outcome):
    evaluate_hours(*range(22 if outcome == "ok" else 24), outcome=outcome)

    assert look() == {}


@pytest.mark.parametrize(
    ("fired_h", "resolved_h", "firing"),
    [
        (1, 2, {DAY}),
        (-1, 0, {DAY - timedelta(days=1)}),
        (-1, 1, {DAY - timedelta(days=1), DAY}),
        (23, None, {DAY}),
        (-30, None, {DAY - timedelta(days=2), DAY - timedelta(days=1), DAY}),
    ],
)
def test_one_moment_of_an_alert_makes_its_day_one_with_an_alert(fired_h, resolved_h, firing):
    over = {} if resolved_h is None else {"state": "resolved", "resolved_at": MIDNIGHT + resolved_h * HOUR}
    make_episode(fired_at=MIDNIGHT + fired_h * HOUR, breached_since=MIDNIGHT + fired_h * HOUR, **over)

    assert {day for day, is_firing in look().items() if is_firing} == firing


@pytest.mark.parametrize("state", ["firing", "acknowledged"])
def test_an_acknowledged_or_muted_alert_fires_too(state):
    make_episode(fired_at=MIDNIGHT + HOUR, breached_since=MIDNIGHT, state=state, told_at=None)

    assert look()[DAY] is True


def test_an_alert_that_says_nothing_about_the_service_pauses_no_day():
    evaluate_hours(*range(24))
    make_episode("certificate", fired_at=MIDNIGHT + HOUR, breached_since=MIDNIGHT, pauses_api_days=False)

    assert look() == {DAY: False}


def test_today_counts_as_far_as_it_has_gone():
    evaluate_hours(0, 1, 2)

    assert look(now=MIDNIGHT + 3 * HOUR) == {DAY: False}
    assert look(now=MIDNIGHT + 6 * HOUR) == {}
