import pytest

from monitoring.domain.assertions import Answer, parse_condition
from monitoring.domain.probes import (
    ErrorClass,
    Judgement,
    ProbeRequest,
    judge,
    masker,
    request_fault,
    storable,
)


def request(**fields):
    return ProbeRequest("one", "http://example.com/", **fields)


def test_a_plain_request_has_no_fault():
    assert request_fault(request()) is None
    assert (
        request_fault(request(headers=(("Authorization", "Bearer x\ty"),), method="POST", body=b"")) is None
    )


@pytest.mark.parametrize(
    ("answer", "judgement"),
    [
        (Answer(status=200, body='{"ok": true}'), Judgement()),
        (
            Answer(status=503, body='{"ok": true}'),
            Judgement(ErrorClass.BAD_STATUS, "answered 503, expected 200"),
        ),
        (
            Answer(status=200, body="{}"),
            Judgement(ErrorClass.ASSERTION, "an assertion failed", "[BODY].ok (INVALID) == true"),
        ),
    ],
)
def test_judge(answer, judgement):
    assert judge(request(conditions=(parse_condition("[BODY].ok == true"),)), answer) == judgement


def test_judge_without_conditions_looks_at_the_status_alone():
    assert judge(request(), Answer(status=200)) == Judgement()
    assert judge(request(expected_status=None), Answer(status=500)) == Judgement()


@pytest.mark.parametrize(
    ("value", "text", "masked"),
    [
        ("Bearer abcd1234", "got abcd1234 back", "got ••• back"),
        ("session=abcd1234; x=1", "ABCD1234", "•••"),
        ('pa"ss word', r"pa\"ss and pa%22ss%20word", "••• and •••"),
        ("a/b+c", "a/b%2Bc a%2Fb%2Bc", "••• •••"),
        ("1", "1 item", "1 item"),
    ],
)
def test_masker(value, text, masked):
    assert masker(request(headers=(("X-Key", value),)))(text) == masked


def test_storable():
    assert storable("a\x00\r\nb\ud800") == "a b "
    assert len(storable("x" * 5000)) == 401
