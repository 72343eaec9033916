"""Uptime, error rate and P1 incidents: values at the limit, and what each reading says."""

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.domain.evidence import OutageSummary, Window
from monitoring.domain.gates import evaluate
from monitoring.domain.policy import GateKey, Policy, TriggerKey, WindowKind, WindowRule
from monitoring.domain.verdicts import Standing
from tests.monitoring.domain.clean_evidence import (
    JUDGED_AT,
    WEEK,
    clean,
    error_rate,
    incident,
    incidents,
    reading,
    uptime,
)

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("low", "likely", "coverage", "standing"),
    [
        (0.9998, 0.9998, 1.0, Standing.PASS),
        (0.9998, 1.0, 0.999, Standing.PASS),
        (0.99979, 0.9999, 1.0, Standing.ON_TRACK),
        (0.9998, 0.9999, 0.9989999, Standing.ON_TRACK),
        (0.99979999999, 0.99979999999, 1.0, Standing.FAIL),
        (0.0, 0.0, 1.0, Standing.FAIL),
        (0.5, 0.5, 0.001, Standing.FAIL),
    ],
)
def test_uptime_standing(low: float, likely: float, coverage: float, standing: Standing) -> None:
    gate = reading(GateKey.UPTIME, clean(uptime=uptime(low=low, likely=likely, coverage=coverage)))

    assert gate.standing is standing
    assert [gate.value, gate.low, gate.high] == pytest.approx([100 * likely, 100 * low, 100])
    assert gate.coverage == coverage


def test_uptime_just_below_the_limit_is_never_shown_as_the_limit() -> None:
    gate = reading(GateKey.UPTIME, clean(uptime=uptime(low=0.9997, likely=0.99979999, high=1.0)))

    assert gate.standing is Standing.FAIL
    assert "Uptime is 99.979 % (99.970 to 100.000 %), below the limit of 99.98 %," in gate.explanation


@pytest.mark.parametrize(
    ("failed", "told", "proven"),
    [(0, None, True), (1, 1, True), (1, 2, True), (1, None, False), (3, 2, False)],
)
def test_failed_probes_belong_to_recorded_outages(failed: int, told: int | None, proven: bool) -> None:
    gate = reading(GateKey.UPTIME, clean(uptime=uptime(failed_probes=failed, outage_failures=told)))

    assert gate.proven is proven
    assert proven or "1 failed probe belongs to no recorded outage" in gate.explanation


def test_uptime_names_the_longest_outage() -> None:
    outages = (
        OutageSummary("web", 12.0, datetime(2025, 11, 13, tzinfo=UTC), row="outage:1"),
        OutageSummary("api", 62.5, datetime(2025, 11, 14, 3, 4, tzinfo=UTC), row="outage:2"),
        OutageSummary("api", 62.5, datetime(2025, 11, 15, 3, 4, tzinfo=UTC)),
    )

    gate = reading(GateKey.UPTIME, clean(uptime=uptime(outages=outages, failed_probes=7, outage_failures=7)))

    assert gate.explanation == (
        "Uptime is 100.000 %, at or above the limit of 99.98 %, from 60,480 probes (7 failed) of"
        " 3 critical endpoints. 3 outages; the longest was api for about 1 min 3 s from 2025-11-14T03:04:00Z."
    )
    assert gate.rows == ("health:1-60480", "outage:1", "outage:2")


def test_uptime_with_an_outage_of_unknown_length_names_that_one() -> None:
    outages = (
        OutageSummary("web", 12.0, datetime(2025, 11, 13, tzinfo=UTC)),
        OutageSummary("api", float("nan"), datetime(2025, 11, 14, tzinfo=UTC)),
    )

    gate = reading(GateKey.UPTIME, clean(uptime=uptime(outages=outages)))

    assert "the longest was api for about an unknown time" in gate.explanation


def test_uptime_tells_the_longest_outage_without_the_list() -> None:
    gate = reading(GateKey.UPTIME, clean(uptime=uptime(longest_outage_s=3_725)))

    assert gate.explanation.endswith("The longest outage took about 1 h 2 min.")


def test_uptime_passes_on_what_is_demonstrated() -> None:
    assert reading(GateKey.UPTIME, clean(uptime=uptime(demonstrated="99.555 %"))).demonstrated == "99.555 %"


@pytest.mark.parametrize(
    ("bad", "total", "coverage", "standing"),
    [
        (0, 598, 0.99, Standing.PASS),
        (5, 1_000, 1.0, Standing.PASS),
        (6, 1_000, 1.0, Standing.FAIL),
        (0, 597, 1.0, Standing.ON_TRACK),
        (2, 598, 0.9899, Standing.ON_TRACK),
        (1, 1, 0.0, Standing.FAIL),
        (0, 0, 0.0, Standing.NO_DATA),
        (5_000_001, 1_000_000_000, 1.0, Standing.FAIL),
        (5_000_000, 1_000_000_000, 1.0, Standing.PASS),
    ],
)
def test_error_rate_standing(bad: int, total: int, coverage: float, standing: Standing) -> None:
    facts = error_rate(bad=bad, total=total, coverage=coverage)

    gate = reading(GateKey.ERROR_RATE, clean(error_rate=facts))

    assert gate.standing is standing
    assert gate.samples == total
    assert gate.value == (100 * bad / total if total else None)


def test_error_rate_just_above_the_limit_is_never_shown_as_the_limit() -> None:
    gate = reading(GateKey.ERROR_RATE, clean(error_rate=error_rate(bad=500_001, total=100_000_000)))

    assert (
        "500,001 of 100,000,000 observations were bad: 0.501 %, above the limit of 0.5 %." in gate.explanation
    )


def test_error_rate_says_how_many_observations_are_missing() -> None:
    gate = reading(GateKey.ERROR_RATE, clean(error_rate=error_rate(total=597)))

    assert gate.missing == ("1 observation more needed, 598 in all.",)
    assert gate.explanation.endswith(gate.missing[0])


@pytest.mark.parametrize(
    ("bad", "total", "problem"),
    [
        (0, 0, "Nothing was observed."),
        (3, 2, "3 bad of 2 observations is not a rate."),
        (-1, 2, "-1 bad of 2 observations is not a rate."),
    ],
)
def test_error_rate_that_is_none_says_why(bad: int, total: int, problem: str) -> None:
    assert reading(GateKey.ERROR_RATE, clean(error_rate=error_rate(bad=bad, total=total))).missing == (
        problem,
    )


@pytest.mark.parametrize(
    ("opened", "resolved", "counts"),
    [
        (WEEK.start + MINUTE, WEEK.start + 2 * MINUTE, 1),
        (WEEK.start - MINUTE, None, 1),
        (WEEK.start - 2 * MINUTE, WEEK.start - MINUTE, 0),
        (WEEK.start - MINUTE, WEEK.start, 1),
        (WEEK.start, WEEK.start, 1),
        (WEEK.end - MINUTE, None, 1),
        (WEEK.end, None, 0),
        (WEEK.end + MINUTE, None, 0),
        (WEEK.start - MINUTE, WEEK.start - 2 * MINUTE, 1),
    ],
)
def test_p1_counts_if_it_touches_the_window(opened: datetime, resolved: datetime | None, counts: int) -> None:
    facts = incidents(incident(opened=opened, resolved=resolved))

    gate = reading(GateKey.P1_INCIDENTS, clean(incidents=facts))

    assert gate.value == counts
    assert gate.standing is (Standing.FAIL if counts else Standing.PASS)


@pytest.mark.parametrize(
    ("severity", "counts"),
    [("P1", 1), ("P2", 0), ("P3", 0), ("P4", 0), ("", 1), ("p1", 1), ("SEV1", 1)],
)
def test_incident_that_is_not_classified_as_less_counts_as_p1(severity: str, counts: int) -> None:
    gate = reading(GateKey.P1_INCIDENTS, clean(incidents=incidents(incident(severity))))

    assert gate.value == counts


def test_p1_fails_even_where_nothing_was_monitored() -> None:
    gate = reading(GateKey.P1_INCIDENTS, clean(incidents=incidents(incident(), coverage=None, samples=0)))

    assert gate.standing is Standing.FAIL


def test_p1_names_the_first_incident() -> None:
    later = incident(id="13", opened=datetime(2025, 11, 15, tzinfo=UTC), resolved=None)

    two = reading(GateKey.P1_INCIDENTS, clean(incidents=incidents(later, incident())))
    one = reading(GateKey.P1_INCIDENTS, clean(incidents=incidents(later)))

    assert two.explanation == (
        "2 P1 incidents in the window. The first is 12, API down: opened 2025-11-14T03:04:00Z,"
        " resolved 2025-11-14T03:30:00Z."
    )
    assert two.rows == ("incident:12", "incident:13")
    assert one.explanation == (
        "1 P1 incident in the window. It is 13, API down: opened 2025-11-15T00:00:00Z, still open."
    )


def test_p1_after_the_burn_in_leaves_its_gate_alone_but_fires_the_trigger() -> None:
    ended = JUDGED_AT - timedelta(days=1)
    evidence = clean(
        window=Window(ended - timedelta(days=7), ended),
        incidents=incidents(incident(opened=ended + timedelta(hours=1))),
    )

    verdict = evaluate(evidence, Policy(window=WindowRule(kind=WindowKind.BURN_IN)))

    gate = next(one for one in verdict.gates if one.key is GateKey.P1_INCIDENTS)
    assert gate.standing is Standing.PASS
    assert [one.key for one in verdict.triggers if one.fired] == [TriggerKey.P1_INCIDENT]


def test_replay_of_a_running_burn_in_does_not_see_a_later_incident() -> None:
    window = Window(JUDGED_AT - timedelta(days=4), JUDGED_AT + timedelta(days=3))
    later = incident(opened=JUDGED_AT + timedelta(hours=1), resolved=None)
    evidence = clean(window=window, incidents=incidents(later))

    verdict = evaluate(evidence, Policy(window=WindowRule(kind=WindowKind.BURN_IN)))

    gate = next(one for one in verdict.gates if one.key is GateKey.P1_INCIDENTS)
    assert gate.standing is Standing.ON_TRACK
    assert not any(one.fired for one in verdict.triggers)


def test_incident_told_twice_is_worded_the_same_in_any_order() -> None:
    pair = (incident(), incident(resolved=None))

    gates = [
        reading(GateKey.P1_INCIDENTS, clean(incidents=incidents(*found))) for found in (pair, pair[::-1])
    ]

    assert gates[0] == gates[1]
    assert gates[0].explanation.endswith("still open.")
