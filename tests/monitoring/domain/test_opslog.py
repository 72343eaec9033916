"""The daily entry as values and as text."""

from datetime import date
from decimal import Decimal

import pytest

from monitoring.domain.gates import evaluate
from monitoring.domain.opslog import (
    BurnInDay,
    DayFigures,
    daily_data,
    daily_text,
    reading_text,
    shown,
    streak_of,
)
from monitoring.domain.policy import GateKey, Policy
from tests.monitoring.domain.clean_evidence import clean, quiet

FIGURES = DayFigures(
    observations=17_280,
    server_errors=2,
    latency_ms=41.25,
    p1_incidents=0,
    alerts=1,
    heals=0,
    cost_day=date(2025, 11, 18),
    cost_usd=Decimal("7.10"),
    run_rate_usd=Decimal("6.999"),
)
BLIND = DayFigures(0, None, None, 0, None, None, date(2025, 11, 18), None, None)
DAY = BurnInDay("seed", 3, 7)


def test_entry_keeps_every_figure_of_the_day():
    verdict = evaluate(clean(), Policy())

    told = daily_data(verdict, FIGURES, DAY, number=12, notes="n", operator="ada")

    assert (told["day"], told["days"], told["verdict"], told["decision"]) == (3, 7, 12, "GO")
    assert (told["server_errors_24h"], told["latency_avg_ms"], told["alerts_24h"]) == (2, 41.25, 1)
    assert (told["cost_usd"], told["run_rate_usd"]) == ("7.1", "6.999")
    assert len(told["readings"]) == 5
    assert told["api_streak"] == 7
    assert "7 consecutive days served" in told["api_streak_why"]


def test_absence_is_kept_as_absence():
    told = daily_data(evaluate(clean(), Policy()), BLIND, None, number=1, notes="", operator="ada")

    assert {
        told[key] for key in ("day", "server_errors_24h", "latency_avg_ms", "alerts_24h", "cost_usd")
    } == {None}
    assert dict(BLIND.rows())["Average latency (24 h)"] == "not known"


@pytest.mark.parametrize(("notes", "last"), [("", "Operator: ada"), ("all quiet", "Notes: all quiet")])
def test_text_names_day_readings_triggers_and_operator(notes, last):
    verdict = evaluate(clean(triggers=quiet(api_failed_probes=4)), Policy())

    text = daily_text(verdict, FIGURES, DAY, notes=notes, operator="ada")

    assert text.startswith("Day 3/7 of seed. NO-GO.")
    assert "1 trigger fired." in text
    assert "Today's run-rate: $7.00" in text
    assert last in text


def test_text_without_a_burn_in_says_so():
    text = daily_text(evaluate(clean(), Policy()), FIGURES, None, notes="", operator="ada")

    assert text.startswith("No burn-in is open. GO.")


def test_reading_without_a_value_says_no_data():
    verdict = evaluate(clean(uptime=None, api_days=None), Policy())
    uptime = next(one for one in verdict.gates if one.key is GateKey.UPTIME)

    assert reading_text(uptime) == "Uptime no data NO DATA"
    assert shown(None) == "not known"
    assert shown(1234) == "1,234"
    assert streak_of(verdict)[0] in (None, 0)
