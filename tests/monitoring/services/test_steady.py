"""The short way of recording and the domain's own agree."""

import random
from datetime import timedelta

import pytest

from monitoring.domain.observing import Source
from monitoring.models import EndpointState, ObservedSpan, Outage
from monitoring.services import recording
from monitoring.services.recording import record_probes
from tests.factories import NOON, make_endpoint, make_result

pytestmark = pytest.mark.django_db


def kept(endpoint):
    """Everything that recording keeps of an endpoint, without ids."""
    state = EndpointState.objects.get(endpoint=endpoint)
    fields = ("standing", "standing_since", "last_at", "last_status", "last_latency_ms", "last_error",
              "last_good_at", "seen_until", "lease_until")  # fmt: skip
    outage = (
        "last_good_at",
        "first_bad_at",
        "last_bad_at",
        "first_good_at",
        "confirmed",
        "unseen_s",
        "failures",
    )
    return (
        [getattr(state, name) for name in fields],
        list(
            ObservedSpan.objects.filter(endpoint=endpoint)
            .order_by("started_at")
            .values_list("started_at", "ended_at")
        ),
        list(Outage.objects.filter(endpoint=endpoint).order_by("first_bad_at").values_list(*outage)),
    )


@pytest.mark.parametrize("seed", range(12))
def test_steady_way_is_the_way_of_the_domain(seed, monkeypatch):
    dice = random.Random(seed)
    short, long = make_endpoint(), make_endpoint()
    times = NOON
    observations = []
    for _ in range(60):
        times += timedelta(seconds=dice.choice([0, 5, 10, 30, 30, 30, 74, 76, 400]))
        late = timedelta(seconds=dice.choice([0, 0, 0, 0, 100]))
        observations.append((times - late, dice.random() > 0.15, dice.uniform(1, 9000)))

    for at, ok, took in observations:
        record_probes([(short, make_result(short, at, ok=ok, took_ms=took))], source=Source.MONITOR)
    monkeypatch.setattr(recording, "advance_steady", lambda stage: set())
    for at, ok, took in observations:
        record_probes([(long, make_result(long, at, ok=ok, took_ms=took))], source=Source.MONITOR)

    assert kept(short) == kept(long)


def test_steady_way_takes_only_what_is_steady():
    up, down, new = make_endpoint(), make_endpoint(), make_endpoint()
    record_probes(
        [(up, make_result(up, NOON)), (down, make_result(down, NOON, ok=False))], source=Source.MONITOR
    )
    taken = []
    real = recording.advance_steady

    def watched(stage):
        taken.append(real(stage))
        return taken[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "advance_steady", watched)
        later = NOON + timedelta(seconds=30)
        record_probes([(e, make_result(e, later)) for e in (up, down, new)], source=Source.MONITOR)

    assert taken == [{up.pk}]
