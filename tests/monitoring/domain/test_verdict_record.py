from dataclasses import replace

import pytest

from monitoring.domain.limits import with_limits
from monitoring.domain.policy import Policy
from monitoring.domain.policy_fields import UnableToReadPolicy
from monitoring.domain.verdict_record import FIRST_PREVIOUS, Link, broken_links


def chain():
    hashes = [FIRST_PREVIOUS, "a" * 64, "b" * 64, "c" * 64]
    return [Link(n, hashes[n - 1], hashes[n], hashes[n], n, hashes[n - 1]) for n in (1, 2, 3)]


def test_whole_chain_has_no_faults():
    assert broken_links(chain()) == ()
    assert broken_links([]) == ()


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (lambda links: [links[0], links[2]], "Verdict 2 is missing: 3 follows 1."),
        (lambda links: links[1:], "Verdict 1 is missing: 2 follows 0."),
        (
            lambda links: [links[0], replace(links[1], previous_hash="f" * 64), links[2]],
            "Verdict 2 does not follow verdict 1.",
        ),
        (
            lambda links: [replace(links[0], actual_hash="f" * 64), *links[1:]],
            "Verdict 1 was changed: its record does not have its hash.",
        ),
        (
            lambda links: [*links[:2], replace(links[2], record_number=9)],
            "Verdict 3 was moved: its record stands at another place of the chain.",
        ),
    ],
)
def test_broken_chain_is_named(broken, fault):
    assert fault in broken_links(broken(chain()))


def test_limits_as_people_type_them():
    policy = with_limits(Policy(), ["uptime=99.95", "daily_cost = 12.50"])

    assert policy.uptime.min_percent == 99.95
    assert str(policy.daily_cost.max_usd) == "12.50"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["uptime"], "write it as uptime=99.95"),
        (["uptime= "], "write it as uptime=99.95"),
        (["speed=3"], "There is no gate 'speed'; the gates are uptime, error_rate"),
        (["uptime=99", "uptime=98"], "uptime is given twice"),
        (["uptime=nan"], "must be a number from 0 to 100"),
        (["uptime=lots"], "must be a number from 0 to 100, not 'lots'"),
    ],
)
def test_limit_that_is_none_is_refused(texts, message):
    with pytest.raises(UnableToReadPolicy, match=message):
        with_limits(Policy(), texts)
