"""Uptime against the tables of OneUptime and Uptime Kuma, and where those call silence uptime, the opposite.

OneUptime's rows are states with edges known exactly. Time between rows it counts as up, this portal as
unknown. Each row is therefore read twice: with silence filled as OneUptime fills it, to check the arithmetic
against its figures, and as it stands.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitoring.domain.outages import Observation, Outage, find_outages, observed_spans
from monitoring.domain.uptime import EndpointRecord, format_percent, measure
from monitoring.domain.windows import Window, total_seconds, union, window_or_none
from tests.monitoring.domain.material import at, vector_rows

ONEUPTIME = "oneuptime_uptime_and_budget.json"
KUMA = "uptime_kuma_calculator.json"
FAR = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass
class Case:
    """A OneUptime row: its window, its clock, and the states of each monitor with open ends closed."""

    window: Window
    now: datetime
    states: dict[str, list[tuple[str, datetime, datetime]]]

    @classmethod
    def of(cls, row):
        now = moment(row["now"]) if "now" in row else FAR
        states: dict[str, list[Any]] = {}
        for entry in sorted(row["timeline"], key=lambda entry: moment(entry["start"])):
            states.setdefault(entry["monitor"], []).append(entry)
        closed = {
            monitor: [
                (entry["status"], moment(entry["start"]), end)
                for place, entry in enumerate(entries)
                # An open row ends where the monitor's next one begins, or now.
                for end in [moment(entry["end"]) or (moment(next_start(entries, place)) or now)]
            ]
            for monitor, entries in states.items()
        }
        first = min((start for entries in closed.values() for _, start, _ in entries), default=None)
        given = row["window"]
        edges: tuple[Any, Any] = (moment(given["start"]), moment(given["end"])) if given else (first, now)
        return cls(Window(*edges), now, closed)

    def records(self, *, filled):
        """Endpoint records; `filled`: observed without a break from each monitor's first row on."""
        found = []
        for monitor, entries in self.states.items():
            spans = union(filter(None, (window_or_none(start, end) for _, start, end in entries)))
            since = None
            if filled and spans:
                since = spans[0].start
                spans = (Window(since, FAR),)
            outages = tuple(
                Outage(start, start, end, end, confirmed=True)
                for status, start, end in entries
                if status == "down" and start < end
            )
            found.append(EndpointRecord(monitor, spans, outages, since=since))
        return found

    def measured(self, *, filled=False):
        return measure(self.window, self.records(filled=filled), self.now)


def moment(text):
    return datetime.fromisoformat(text) if text else None


def next_start(entries, place):
    return entries[place + 1]["start"] if place + 1 < len(entries) else None


def assert_silence_is_unknown(row, uptime):
    """Nothing in the window was seen: the row's 100 % must come out as NO DATA with a coverage of 0."""
    assert row.get("portal_disagrees") or row.get("caller_must")
    assert uptime.uptime is None
    assert uptime.coverage == 0
    assert uptime.unknown_s == uptime.window_s
    assert format_percent(uptime.uptime) == "NO DATA"


@pytest.mark.parametrize("row", vector_rows(ONEUPTIME, "uptime_from_timeline"))
def test_uptime_of_a_timeline_agrees_with_oneuptime(row):
    case, expected = Case.of(row), row["expect"]

    uptime = case.measured()

    assert uptime.down_s.likely == pytest.approx(expected["down_seconds"], abs=1e-6)
    assert uptime.down_s.low == uptime.down_s.likely == uptime.down_s.high
    if "portal_disagrees" in row:
        # "outage before window dropped", "empty timeline with a window": 100 % upstream.
        assert_silence_is_unknown(row, uptime)
        return
    if "total_seconds" in expected:
        assert uptime.up_s.likely + uptime.down_s.likely == pytest.approx(expected["total_seconds"], abs=1e-6)
    for places in (0, 2):
        if f"uptime_pct_floor_{places}dp" in expected:
            shown = format_percent(uptime.uptime.likely, places)
            assert float(shown) == expected[f"uptime_pct_floor_{places}dp"]


@pytest.mark.parametrize("row", vector_rows(ONEUPTIME, "union_downtime"))
def test_platform_downtime_is_the_union_as_oneuptime_has_it(row):
    case = Case.of(row)

    downs = union(
        part
        for entries in case.states.values()
        for status, start, end in entries
        if status == "down" and (part := window_or_none(start, end))
    )

    assert total_seconds(downs) == row["expect_union_down_seconds"]
    assert case.measured().down_s.likely == row["expect_union_down_seconds"]


@pytest.mark.parametrize("row", vector_rows(ONEUPTIME, "time_sli"))
def test_time_sli_agrees_with_oneuptime(row):
    case, expected = Case.of(row), row["expect"]
    if row["mode"] == "any_down":
        parts = [case.measured(filled=True)]
    else:
        parts = [measure(case.window, [record], case.now) for record in case.records(filled=True)]

    bad = sum(part.down_s.likely for part in parts)
    total = bad + sum(part.up_s.likely for part in parts)

    if "caller_must" in row:
        # "no data at all" and "window wholly in the future" read 100 % upstream.
        assert_silence_is_unknown(row, parts[0])
        return
    assert (bad, total) == (expected["bad"], expected["total"])
    assert 100 * (1 - bad / total) == pytest.approx(expected["sli_pct"], abs=1e-9)


@pytest.mark.parametrize("row", vector_rows(ONEUPTIME, "time_sli"))
def test_time_sli_of_oneuptime_is_not_believed_where_nobody_looked(row):
    """ "rows exist but none overlap the window" and all like it: only time under a row counts as seen."""
    case = Case.of(row)

    filled, seen = case.measured(filled=True), case.measured()

    assert seen.down_s == filled.down_s
    assert seen.unknown_s >= filled.unknown_s
    if "portal_disagrees" in row:
        assert_silence_is_unknown(row, seen)
    if row["name"].startswith("union case"):
        # A was last seen at 11:00 and B at 12:00: nobody saw upstream's two good hours whole.
        assert (seen.down_s.likely, seen.up_s.likely, seen.unknown_s) == (3600, 0, 7200)


def kuma_record(beats, every):
    """Beats evenly spaced; a maintenance beat excludes its turn, a pending one is an unconfirmed failure."""
    hold = timedelta(seconds=2.5 * every)
    observations = [
        Observation(at(place * every), at(place * every), status == "up")
        for place, (status, _) in enumerate(beats)
        if status != "maintenance"
    ]
    excluded = [
        Window(at(place * every), at((place + 1) * every))
        for place, (status, _) in enumerate(beats)
        if status == "maintenance"
    ]
    return EndpointRecord(
        "kuma",
        observed_spans(observations, hold=hold),
        find_outages(observations, hold=hold),
        union(excluded),
    )


@pytest.mark.parametrize("row", vector_rows(KUMA))
def test_uptime_of_beats_holds_kumas_figure_or_admits_silence(row):
    beats, silence_h = row["beats"], row["advance_hours_without_beats"]
    record = kuma_record(beats, every=60)
    end = at(60 * max(1, len(beats)))
    now = end + timedelta(hours=silence_h)
    width = timedelta(days=7) if row["window"] == "7d" else timedelta(days=1)
    window = Window.trailing(now, width) if silence_h else Window(at(0), end)

    uptime = measure(window, [record], now)

    if silence_h:
        # "… then 24 h / 48 h / 7 d silence": 0.8 upstream. Only the hold after the last beat is still known.
        assert uptime.unknown_s >= uptime.window_s - 90
        assert format_percent(uptime.coverage, 0) == "0"
        assert uptime.uptime is None or uptime.uptime.likely != row["upstream_uptime"]
        assert (uptime.uptime is None) == (now - at(0) > width + timedelta(hours=1))
    elif "portal_should" in row:
        # "no data", "1 maintenance": 0 upstream.
        assert uptime.uptime is None
        assert uptime.coverage == (1 if beats else 0)
    elif beats[0][0] == "pending":
        # "1 pending": 0 upstream. A failure still to be confirmed is not surely down.
        assert (uptime.down_s.low, uptime.up_s.high) == (0, uptime.window_s)
    else:
        assert uptime.coverage == 1
        assert uptime.uptime is not None
        assert uptime.uptime.low <= row["upstream_uptime"] <= uptime.uptime.high
