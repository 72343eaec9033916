import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import rfc8785
from hypothesis import given

from monitoring.domain.evidence import OutageSummary
from monitoring.domain.evidence_codec import UnableToDecode, decode_evidence, decode_policy, encode_evidence
from monitoring.domain.policy import GateKey, Policy
from monitoring.domain.policy_fields import UnableToReadPolicy
from tests.monitoring.domain.clean_evidence import clean, cost_days, costs, incident, incidents, uptime
from tests.monitoring.domain.test_gate_properties import evidences

EVIDENCE = clean(
    uptime=uptime(
        outages=(OutageSummary("api", 41.5, datetime(2025, 11, 14, 3, 4, 5, 6, tzinfo=UTC), "outage:1"),)
    ),
    incidents=incidents(incident(), incident(resolved=None)),
)


def round_trip(evidence):
    return decode_evidence(json.loads(rfc8785.dumps(encode_evidence(evidence))))


def test_evidence_survives_canonical_json():
    assert round_trip(EVIDENCE) == EVIDENCE


@given(evidence=evidences)
def test_any_evidence_survives_canonical_json(evidence):
    # NaN is not equal to itself: what is written is compared.
    assert rfc8785.dumps(encode_evidence(round_trip(evidence))) == rfc8785.dumps(encode_evidence(evidence))


def test_what_json_has_not_is_written_as_text():
    evidence = clean(
        uptime=uptime(low=math.nan, likely=math.inf, high=-math.inf),
        costs=costs(days=cost_days(d14="NaN"), run_rate=Decimal("7.10")),
    )

    written = encode_evidence(evidence)
    back = round_trip(evidence)

    assert [written["uptime"][name] for name in ("low", "likely", "high")] == ["NaN", "Infinity", "-Infinity"]
    assert written["costs"]["run_rate"] == "7.1"
    assert math.isnan(back.uptime.low)
    assert back.uptime.high == -math.inf


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.update(extra=1), r"evidence has an unknown entry 'extra'"),
        (lambda w: w.pop("window"), r"evidence\.window is missing"),
        (lambda w: w.update(window=3), r"evidence\.window must be a mapping, not 3"),
        (lambda w: w.update(api_days={}), r"evidence\.api_days must be a list"),
        (
            lambda w: w["uptime"].update(samples="7"),
            r"evidence\.uptime\.samples must be of type int, not '7'",
        ),
        (lambda w: w["uptime"].update(samples=True), r"evidence\.uptime\.samples must be of type int"),
        (lambda w: w["uptime"].update(low="much"), r"evidence\.uptime\.low must be of type float"),
        (lambda w: w.update(judged_at="noon"), r"evidence\.judged_at is no datetime: 'noon'"),
        (lambda w: w["costs"].update(run_rate="x"), r"evidence\.costs\.run_rate is no Decimal: 'x'"),
        (lambda w: w["api_days"][0].update(day="x"), r"evidence\.api_days\[0\]\.day is no date: 'x'"),
    ],
)
def test_what_is_no_evidence_is_named(change, message):
    written = encode_evidence(EVIDENCE)
    change(written)

    with pytest.raises(UnableToDecode, match=message):
        decode_evidence(written)


def test_whole_number_that_came_back_as_a_float_is_read():
    written = encode_evidence(EVIDENCE)
    written["uptime"]["samples"] = 60480.0

    assert decode_evidence(written) == EVIDENCE


def test_entry_with_a_default_may_be_missing():
    written = encode_evidence(clean(uptime=uptime()))
    del written["uptime"]["outages"]

    assert decode_evidence(written) == clean(uptime=uptime())


@pytest.mark.parametrize(
    "gone", [(), ("uptime",), ("triggers",), (*(key.value for key in GateKey), "triggers")]
)
def test_policy_that_lacks_gates_survives(gone):
    policy = replace(Policy(version=3), **dict.fromkeys(gone))

    assert decode_policy(json.loads(rfc8785.dumps(policy.to_dict()))) == policy


@pytest.mark.parametrize("written", [None, {}, {"gates": 3}, {**Policy().to_dict(), "extra": 1}])
def test_what_is_no_policy_is_refused(written):
    with pytest.raises(UnableToReadPolicy):
        decode_policy(written)
