import json
import re
import time
from operator import eq, ge, gt, le, lt, ne
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.assertions import (
    Answer,
    UnableToParseCondition,
    evaluate,
    first_failure,
    parse_condition,
)
from monitoring.domain.body_paths import MAX_BODY

VECTORS = Path(__file__).parents[4] / "shared" / "data" / "vectors" / "gatus_conditions.json"

# Where we disagree with Gatus, by the name of its row, and what we do instead.
REFUSED_WHEN_WRITTEN = {
    # Gatus compares with 0, so `[RESPONSE_TIME] > potato` would always pass.
    "response-time-using-less-than-invalid": "'potato' is neither",
}
NOT_OBSERVED = {
    # Gatus takes a missing certificate for one with 0 left, so the assertion passes on plain http.
    "certificate-expiration-not-set": "[CERTIFICATE_EXPIRATION] (NO DATA) == 0",
}


def cases(table):
    if not VECTORS.exists():
        reason = "the shared vectors are not beside this checkout (../shared/data/vectors)"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason))]
    rows = json.loads(VECTORS.read_text())["cases"][table]
    return [pytest.param(row, id=f"{at}-{row.get('name', row['condition'])}") for at, row in enumerate(rows)]


def answer_of(result):
    milliseconds = result.get("certificate_expiration_ms")
    return Answer(
        status=result.get("status", 0),
        response_time_ms=result.get("response_time_ms"),
        body=result.get("body", ""),
        ip=result.get("ip", ""),
        connected=result.get("connected", False),
        certificate_expires_in=None if milliseconds is None else milliseconds / 1000,
    )


@pytest.mark.parametrize("row", cases("evaluate"))
def test_evaluate_agrees_with_gatus(row):
    answer = answer_of(row["result"])
    if row["name"] in REFUSED_WHEN_WRITTEN:
        with pytest.raises(UnableToParseCondition, match=REFUSED_WHEN_WRITTEN[row["name"]]):
            parse_condition(row["condition"])
        return

    outcome = evaluate(parse_condition(row["condition"]), answer)

    if row["name"] in NOT_OBSERVED:
        assert outcome.ok is False
        assert outcome.words == NOT_OBSERVED[row["name"]]
        return
    assert outcome.ok is row["expect_success"]
    # Upstream shows the values only where these switches say so; ours are always in `words`.
    if row["resolve_successful"] or not (row["expect_success"] or row["dont_resolve_failed"]):
        assert outcome.words == row["expect_output"]
    else:
        assert parse_condition(row["condition"]).text == row["expect_output"]


@pytest.mark.parametrize("row", cases("validate_syntax"))
def test_parse_condition_accepts_what_gatus_accepts(row):
    if row["valid"]:
        assert str(parse_condition(row["condition"])) == row["condition"]
    else:
        with pytest.raises(UnableToParseCondition):
            parse_condition(row["condition"])


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("[STATUS] < 300", "[STATUS] (NO DATA) < 300"),
        ("[STATUS] != 500", "[STATUS] (NO DATA) != 500"),
        ("[RESPONSE_TIME] < 500", "[RESPONSE_TIME] (NO DATA) < 500"),
        ("[IP] != 10.0.0.1", "[IP] (NO DATA) != 10.0.0.1"),
        ("[CERTIFICATE_EXPIRATION] < 48h", "[CERTIFICATE_EXPIRATION] (NO DATA) < 48h"),
        ("[DOMAIN_EXPIRATION] != 0", "[DOMAIN_EXPIRATION] (NO DATA) != 0"),
        ("[DNS_RCODE] != NXDOMAIN", "[DNS_RCODE] (NO DATA) != NXDOMAIN"),
        ("[BODY].errors < 5", "[BODY].errors (INVALID) < 5"),
        ("[BODY].state != down", "[BODY].state (INVALID) != down"),
        ("[BODY].state == pat(*)", "[BODY].state (INVALID) == pat(*)"),
        ("len([BODY].items) < 3", "len([BODY].items) (INVALID) < 3"),
    ],
)
def test_what_was_not_observed_satisfies_nothing(condition, words):
    answer = Answer(body="{}")

    outcome = evaluate(parse_condition(condition), answer)

    assert not outcome.ok
    assert outcome.words == words


@pytest.mark.parametrize(
    ("condition", "answer", "ok"),
    [
        ("has([BODY].errors) == false", Answer(body="<html>502 Bad Gateway</html>"), False),
        ("has([BODY].a) == true", Answer(body='{"a": null}'), False),
        ("has([BODY].a[1]) == true", Answer(body='{"a": [1, 2]}'), True),
        ("[BODY].a == 1.50", Answer(body='{"a": 1.5}'), True),
        ("[BODY].a == 1", Answer(body='{"a": 1.9}'), False),
        ("[BODY].a > 1", Answer(body='{"a": 1.9}'), True),
        ("[BODY].a > 5", Answer(body='{"a": "many"}'), False),
        ("[BODY].a == 010", Answer(body='{"a": 8}'), False),
        ("[BODY].a == 010", Answer(body='{"a": "010"}'), True),
        ("[BODY].ok == true", Answer(body='{"ok": true}'), True),
        ("[BODY].ok == true", Answer(body=b'\xef\xbb\xbf{"ok": true}'), True),
        ("[BODY].ok != true", Answer(body='{"ok": "yes"}'), True),
        ("[BODY].s != any(a, b)", Answer(body='{"s": "c"}'), True),
        ("[BODY].s != any(a, b)", Answer(body='{"s": "b"}'), False),
        ("[BODY].s != pat(a*)", Answer(body='{"s": "abc"}'), False),
        ("[BODY].o == {}", Answer(body='{"o": {}}'), True),
        ("[BODY].a.b == 1", Answer(body='{"a": [1]}'), False),
        ("len([BODY]) == 2", Answer(body=" [1, 2]\n"), True),
        ("len([BODY]) == 2", Answer(body="[1, 2"), False),
        ("[RESPONSE_TIME] == 1s", Answer(response_time_ms=1000), True),
        ("[RESPONSE_TIME] < 500", Answer(response_time_ms=499.999), True),
        ("[RESPONSE_TIME] < 500", Answer(response_time_ms=500.001), False),
        ("[CERTIFICATE_EXPIRATION] > 14d", Answer(certificate_expires_in=15 * 86400), True),
        ("[CERTIFICATE_EXPIRATION] > 0", Answer(certificate_expires_in=-5), False),
        ("[BODY].uptime > 1h", Answer(body='{"uptime": "90m"}'), True),
        ("[BODY].v == 1s", Answer(body='{"v": 1000}'), False),
        ("[DNS_RCODE] == NOERROR", Answer(dns_rcode="NOERROR"), True),
        ("[DOMAIN_EXPIRATION] > 720h", Answer(domain_expires_in=721 * 3600), True),
        ("[BODY].a == NaN", Answer(body='{"a": NaN}'), False),
        ("[BODY].a > 1", Answer(body='{"a": 1e400}'), False),
    ],
)
def test_evaluate(condition, answer, ok):
    assert evaluate(parse_condition(condition), answer).ok is ok


def test_first_failure_is_told_in_readable_words():
    conditions = [parse_condition(text) for text in ("[STATUS] == 200", "[BODY].ok == true", "[BODY].n == 2")]

    assert first_failure(conditions, Answer(status=200, body='{"ok": false}')) == "[BODY].ok (false) == true"
    assert first_failure(conditions, Answer(status=200, body='{"ok": true, "n": 2}')) is None


def test_words_are_safe_to_store_and_short():
    body = json.dumps({"a": "x\x00\r\n\ud800" + "y" * 5000})

    words = evaluate(parse_condition("[BODY].a == z"), Answer(body=body)).words

    words.encode()
    assert words.isprintable()
    assert len(words) < 150


def test_words_mask_a_secret_before_they_are_cut():
    secret = "k" * 60
    condition = parse_condition("[BODY] == pat(*ok*)")

    outcome = evaluate(condition, Answer(body="echo " + secret), lambda text: text.replace(secret, "•••"))

    assert outcome.words == "[BODY] (echo •••) == pat(*ok*)"


@pytest.mark.parametrize(
    ("condition", "body"),
    [
        ("[BODY] == pat(" + "*a" * 400 + "b)", "a" * MAX_BODY),
        ("[BODY].a == 1", "[" * MAX_BODY),
        ("[BODY].a == 1", '{"a":' * 100_000),
        ("[BODY].a == 1", '"\\' * (MAX_BODY // 2)),
        ("[BODY].a == 1", "[]" * (MAX_BODY // 2)),
        ("[BODY].a == 1", '{"a":' + "9" * 500_000 + "}"),
        ("len([BODY].a) == 1", '{"a":{"b":"' + "\\u0000" * 100_000 + '"}}'),
        ("[BODY].a == 1", "x" * (50 * MAX_BODY)),
    ],
)
def test_evaluate_has_a_bounded_cost(condition, body):
    parsed = parse_condition(condition)
    before = time.process_time()

    outcome = evaluate(parsed, Answer(body=body))

    assert not outcome.ok
    assert time.process_time() - before < 2


def test_json_nested_too_deep_is_no_json():
    def nested(depth):
        return Answer(body='{"a":' + "[" * depth + "1" + "]" * depth + "}")

    condition = parse_condition("has([BODY].a) == true")

    assert evaluate(condition, nested(49)).ok
    assert evaluate(condition, nested(50)).words == "has([BODY].a) (INVALID) == true"


@given(st.text(max_size=60), st.binary(max_size=200))
def test_any_text_either_parses_or_is_refused_and_any_body_is_judged(text, body):
    try:
        condition = parse_condition(text)
    except UnableToParseCondition:
        return

    outcome = evaluate(condition, Answer(status=200, body=body))

    assert isinstance(outcome.ok, bool)


@given(
    st.dictionaries(st.sampled_from("abc"), st.integers(-5, 5)),
    st.sampled_from("abc"),
    st.integers(-5, 5),
    st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
)
def test_numbers_compare_as_python_compares_them(fields, key, limit, operator):
    condition = parse_condition(f"[BODY].{key} {operator} {limit}")

    outcome = evaluate(condition, Answer(body=json.dumps(fields)))

    expected = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}[operator]
    assert outcome.ok is (key in fields and expected(fields[key], limit))


@given(st.lists(st.sampled_from(["a", "b", "ab", ""]), min_size=1, max_size=6), st.text("ab", max_size=12))
def test_patterns_match_as_the_same_regular_expression_does(pieces, value):
    pattern = "*".join(pieces)
    if not pattern:
        return
    condition = parse_condition(f"[BODY] == pat({pattern})")

    outcome = evaluate(condition, Answer(body=value))

    assert outcome.ok is bool(re.fullmatch(".*".join(pieces), value))
