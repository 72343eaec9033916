from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.delivery import (
    GIVE_UP_AFTER,
    LONGEST_WAIT,
    Answer,
    DeliveryState,
    Outcome,
    answer_of_status,
    parse_retry_after,
    state_after,
    wait_before,
)

SECOND = timedelta(seconds=1)
LATER = Answer(Outcome.LATER, "away")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.SENT),
        # Only 200 says that it was taken.
        (204, Outcome.REFUSED),
        (302, Outcome.REFUSED),
        (400, Outcome.REFUSED),
        (404, Outcome.REFUSED),
        (408, Outcome.LATER),
        (429, Outcome.LATER),
        (500, Outcome.LATER),
        (503, Outcome.LATER),
    ],
)
def test_answer_of_status(status, outcome):
    answer = answer_of_status(status, "said")

    assert answer.outcome is outcome
    assert answer.text == f"{status} said"


def test_a_busy_provider_says_when_to_come_again():
    assert answer_of_status(429, "", "30").retry_after == 30 * SECOND


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("30", 30 * SECOND),
        (" 0 ", 0 * SECOND),
        ("99999999999999", timedelta(hours=1)),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("²", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None),
    ],
)
def test_parse_retry_after(text, wait):
    assert parse_retry_after(text) == wait


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (10_000, 60)])
def test_wait_before_doubles_up_to_a_minute(attempt, seconds):
    assert wait_before(attempt, LATER) == seconds * SECOND


@given(st.integers(1, 100), st.integers(0, 3600))
def test_wait_before_is_never_shorter_than_was_asked_for(attempt, asked):
    wait = wait_before(attempt, Answer(Outcome.LATER, "", retry_after=asked * SECOND))

    assert wait >= asked * SECOND
    assert wait <= max(asked * SECOND, LONGEST_WAIT)


@pytest.mark.parametrize(
    ("answer", "age", "state"),
    [
        (Answer(Outcome.SENT, ""), GIVE_UP_AFTER * 2, DeliveryState.SENT),
        (Answer(Outcome.REFUSED, ""), SECOND, DeliveryState.FAILED),
        (LATER, GIVE_UP_AFTER - SECOND, DeliveryState.PENDING),
        (LATER, GIVE_UP_AFTER, DeliveryState.FAILED),
    ],
)
def test_state_after(answer, age, state):
    assert state_after(answer, age=age) is state
