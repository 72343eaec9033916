from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.incidents import Entry, EntryKind, acknowledge_by, graver, known_at
from monitoring.domain.observing import Severity
from tests.monitoring.domain.material import at

STORY = (
    Entry(EntryKind.OPENED, at(300), at(0), Severity.P1),
    Entry(EntryKind.ACKNOWLEDGED, at(400), at(400)),
    Entry(EntryKind.RECLASSIFIED, at(500), at(500), Severity.P3),
    Entry(EntryKind.RESOLVED, at(900), at(700)),
    Entry(EntryKind.REOPENED, at(1000), at(1000)),
)


@pytest.mark.parametrize(
    ("second", "severity", "gravest", "acknowledged", "resolved"),
    [
        (300, "P1", "P1", None, None),
        (450, "P1", "P1", 400, None),
        (600, "P3", "P1", 400, None),
        (899, "P3", "P1", 400, None),
        (950, "P3", "P1", 400, 700),
        (1100, "P3", "P1", 400, None),
    ],
)
def test_known_at_tells_the_story_as_far_as_it_was_written(second, severity, gravest, acknowledged, resolved):
    known = known_at(STORY, at(second))

    assert (known.severity, known.gravest) == (severity, gravest)
    assert known.acknowledged_at == (None if acknowledged is None else at(acknowledged))
    assert known.resolved_at == (None if resolved is None else at(resolved))


def test_an_incident_was_not_known_before_it_was_written():
    assert known_at(STORY, at(299)) is None


@pytest.mark.parametrize(("severity", "minutes"), [("P1", 15), ("P2", 120), ("P3", 240), ("P4", 1440)])
def test_acknowledge_by_follows_the_severity(severity, minutes):
    assert acknowledge_by(Severity(severity), at(0)) == at(0) + timedelta(minutes=minutes)


def test_entry_kinds_read_as_words():
    assert EntryKind.POST_MORTEM.label == "post-mortem written"
    assert EntryKind.OPENED.label == "opened"


@given(st.lists(st.sampled_from(Severity), min_size=1))
def test_a_gravest_severity_is_never_lost(severities):
    entries = [Entry(EntryKind.RECLASSIFIED, at(n), at(n), one) for n, one in enumerate(severities)]

    known = [known_at(entries, at(n)) for n in range(len(entries))]

    assert known[-1].gravest is min(severities, key=lambda one: one.value)
    assert known[-1].severity is severities[-1]
    assert all(graver(a.gravest, b.gravest) is b.gravest for a, b in pairwise(known))
