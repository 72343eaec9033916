from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.burn_rate import BURN_WINDOWS, SHORTEST
from monitoring.domain.slo import SliKind, SloPeriod, SloStanding
from monitoring.domain.slo_reading import SloMaterial, SloPast, SloTerms, Stretch, read_slo
from monitoring.domain.windows import Window
from tests.monitoring.domain.material import BEGIN

WEEK_S = 604_800.0
WINDOW = Window(BEGIN, BEGIN + timedelta(days=7))
TERMS = SloTerms(SliKind.AVAILABILITY, 0.999, SloPeriod.ROLLING_7D)
COUNTED = SloTerms(SliKind.ERROR_RATE, 0.995, SloPeriod.ROLLING_7D)
LATENCY = SloTerms(SliKind.LATENCY, 0.99, SloPeriod.ROLLING_7D, threshold_ms=200)


def recent(**bad_s):
    """Fully observed trailing windows, without anything bad unless `last`, the five minutes, say so."""
    found = {length: Stretch(length.total_seconds(), length.total_seconds(), 0.0) for length in BURN_WINDOWS}
    for length in found if "everywhere" in bad_s else (SHORTEST,):
        bad = min(bad_s.get("everywhere", bad_s.get("last", 0.0)), length.total_seconds())
        found[length] = Stretch(length.total_seconds(), length.total_seconds(), bad)
    return found


def material(*, bad_s=0.0, observed_s=WEEK_S, **fields):
    values = {
        "window": WINDOW,
        "spent": Stretch(WEEK_S, observed_s, bad_s),
        "elapsed_s": WEEK_S,
        "recent": recent(),
        "history": timedelta(days=8),
        "silence_s": 5.0,
        "hold_s": 75.0,
        "endpoints": 1,
        "samples": 60_480,
    }
    return SloMaterial(**{**values, **fields})


def test_read_slo_of_a_good_week():
    reading = read_slo(TERMS, material(bad_s=60.48), SloPast())

    assert reading.sli == pytest.approx(0.9999)
    assert reading.budget.remaining_s == pytest.approx(544.32)
    assert (reading.standing, reading.no_data, reading.breach) == (SloStanding.HEALTHY, False, False)
    assert reading.sentence == (
        "99.990 % time up, objective 99.9 %, 100.00 % observed; 9 min 5 s of the budget left."
    )


def test_read_slo_of_an_overspent_week():
    reading = read_slo(COUNTED, material(bad_s=6048.0), SloPast(SloStanding.AT_RISK))

    assert reading.budget.remaining_s == pytest.approx(-3024)
    assert reading.standing is SloStanding.EXHAUSTED
    assert "answered well" in reading.sentence
    assert reading.sentence.endswith("overspent by 50 min 24 s.")


def test_read_slo_of_latency_says_within_what():
    assert "answered within 200 ms" in read_slo(LATENCY, material(), SloPast()).sentence


def test_read_slo_of_nothing_is_no_data():
    nothing = {length: Stretch(length.total_seconds(), 0.0, 0.0) for length in BURN_WINDOWS}
    reading = read_slo(
        TERMS, material(observed_s=0.0, recent=nothing, history=None, samples=0), SloPast(SloStanding.HEALTHY)
    )

    assert (reading.sli, reading.budget, reading.burn, reading.breach) == (None, None, None, None)
    assert reading.standing is SloStanding.NO_DATA
    assert reading.sentence == "Nothing so far in the window."


@pytest.mark.parametrize(("samples", "known"), [(9, False), (10, True)])
def test_a_share_needs_ten_observations_and_time_none(samples, known):
    few = material(samples=samples)

    assert (read_slo(COUNTED, few, SloPast()).sli is not None) is known
    assert read_slo(TERMS, few, SloPast()).sli is not None
    if not known:
        assert (
            read_slo(COUNTED, few, SloPast()).sentence == "9 of 10 observations needed so far in the window."
        )


def test_an_slo_without_endpoints_says_so_and_alerts_nobody():
    reading = read_slo(TERMS, material(endpoints=0, silence_s=None, observed_s=0.0), SloPast())

    assert reading.no_data is False
    assert "no endpoint" in reading.sentence


@pytest.mark.parametrize(
    ("silence_s", "bad_s", "told"), [(302, 0, False), (303, 0, True), (76, 604, True), (74, 9999, False)]
)
def test_silence_is_told_before_what_is_left_could_be_spent(silence_s, bad_s, told):
    reading = read_slo(TERMS, material(silence_s=silence_s, bad_s=bad_s), SloPast())

    assert reading.no_data is told
    assert ("could be spent unseen" in reading.sentence) is told


def test_silence_from_the_first_moment_is_told_too():
    unseen = material(observed_s=0.0, silence_s=400.0, samples=0)

    assert read_slo(TERMS, unseen, SloPast()).no_data


def test_a_burning_budget_names_its_pair():
    reading = read_slo(TERMS, material(recent=recent(everywhere=60.0)), SloPast())

    # 60 s in each window: 16.7 over the hour and 200 over five minutes, against 13.44.
    assert reading.burn.pair.long == timedelta(hours=1)
    assert reading.burn.rate == pytest.approx(60 / 3.6)
    assert reading.burn.excess == pytest.approx(60 / 3.6 / 13.44)


def test_breaches_in_a_row_are_counted_and_a_good_look_ends_them():
    bad, good = material(recent=recent(last=30.0)), material()

    first = read_slo(TERMS, bad, SloPast())
    second = read_slo(TERMS, bad, SloPast(breaches=first.breaches))
    ended = read_slo(TERMS, good, SloPast(breaches=second.breaches))

    assert [one.breaches for one in (first, second, ended)] == [1, 2, 0]


def test_looking_twice_at_once_counts_one_breach():
    bad = material(recent=recent(last=30.0))

    assert read_slo(TERMS, bad, SloPast(breaches=2, counts_again=False)).breaches == 2
    assert read_slo(TERMS, bad, SloPast(breaches=0, counts_again=False)).breaches == 1


def test_counts_speak_for_the_observed_time():
    stretch = Stretch.of_counts(length_s=86_400, observed_s=43_200, bad=1, total=100)

    assert stretch.bad_s == pytest.approx(432)
    assert Stretch.of_counts(length_s=86_400, observed_s=43_200, bad=0, total=0).observed_s == 0


@pytest.mark.parametrize(("kind", "threshold"), [(SliKind.LATENCY, None), (SliKind.AVAILABILITY, 200)])
def test_only_a_latency_slo_has_a_threshold(kind, threshold):
    with pytest.raises(ValueError, match="milliseconds"):
        SloTerms(kind, 0.9, SloPeriod.ROLLING_7D, threshold)


def test_more_bad_than_observed_cannot_be():
    with pytest.raises(ValueError, match="5 bad of 4"):
        Stretch(10, 4, 5)


def test_a_window_that_has_just_begun_has_no_coverage():
    reading = read_slo(TERMS, material(elapsed_s=0.0, observed_s=0.0), SloPast())

    assert reading.coverage == 0


@given(
    bad=st.floats(0, 1),
    observed=st.floats(0, WEEK_S),
    before=st.sampled_from(SloStanding),
    breaches=st.integers(0, 9),
)
def test_reading_never_contradicts_itself(bad, observed, before, breaches):
    reading = read_slo(TERMS, material(bad_s=bad * observed, observed_s=observed), SloPast(before, breaches))

    if observed == 0:
        assert reading.sli is None
    else:
        assert 0 <= reading.sli <= 1
        assert reading.budget.budget_s == pytest.approx(604.8)
        assert reading.budget.remaining_s <= reading.budget.budget_s
        assert (reading.standing is SloStanding.EXHAUSTED) >= (reading.budget.remaining_s <= 0)
