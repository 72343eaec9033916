"""Charts are well-formed, say what they show, and draw absence as absence."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.charts import WIDTH, calendar_chart, cost_chart, line_chart, strip_chart
from monitoring.domain.costs import CostDay
from monitoring.domain.day_readings import DayStanding
from monitoring.domain.strips import Stretch, TimeState

NOON = datetime(2025, 11, 15, 12, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"


def points(*values):
    return [(NOON + timedelta(hours=number), value) for number, value in enumerate(values)]


def drawn(svg):
    return ET.fromstring(svg)


def titles(svg):
    return [title.text for title in drawn(svg).iter(f"{SVG}title")][1:]


@pytest.mark.parametrize(
    "svg",
    [
        strip_chart((), words="s"),
        line_chart(points(None, None), words="l", unit="%"),
        cost_chart((), words="c", limit=None),
        calendar_chart({}, words="d"),
    ],
)
def test_nothing_is_drawn_as_no_data(svg):
    assert "no data" in "".join(drawn(svg).itertext())


def test_words_are_text_and_never_markup():
    svg = strip_chart((Stretch(TimeState.UP, 0, 1),), words='<script>"&')

    assert drawn(svg).get("aria-label") == '<script>"&'
    assert "<script" not in svg


def test_strip_draws_each_stretch_over_the_full_width():
    states = (TimeState.UP, TimeState.DOWN, TimeState.EXCLUDED, TimeState.UNKNOWN)
    svg = strip_chart([Stretch(state, number, 1) for number, state in enumerate(states)], words="w")

    rects = drawn(svg).findall(f"{SVG}rect")
    assert titles(svg) == ["up", "down", "excluded", "unknown"]
    assert sum(float(rect.get("width")) for rect in rects) == pytest.approx(WIDTH)
    assert len({rect.get("fill") for rect in rects}) == 4


def test_line_breaks_where_nobody_looked():
    svg = line_chart(points(1, 2, None, 3, None, 4, 5), words="w", unit="ms", limit=2.0)

    assert len(drawn(svg).findall(f"{SVG}polyline")) == 2
    assert len(drawn(svg).findall(f"{SVG}circle")) == 1
    assert "greatest 5 ms" in svg
    assert "limit 2 ms" in svg


@given(st.lists(st.none() | st.floats(0, 1e9), min_size=1, max_size=50), st.none() | st.floats(0, 1e9))
def test_line_stays_inside_its_picture(values, limit):
    svg = line_chart(points(*values), words="w", unit="%", limit=limit)

    for line in drawn(svg).iter(f"{SVG}polyline"):
        for pair in line.get("points").split():
            x, y = map(float, pair.split(","))
            assert 0 <= x <= WIDTH + 0.1
            assert 0 <= y <= 126


def test_cost_bars_tell_dear_estimated_unknown_and_unfinished_days():
    days = [
        CostDay(date(2025, 11, 14), completed=True, total=Decimal(12)),
        CostDay(date(2025, 11, 15), completed=True, total=None),
        CostDay(date(2025, 11, 16), completed=True, total=Decimal(5), all_estimated=True),
        CostDay(date(2025, 11, 17), completed=False, total=Decimal(3)),
    ]

    svg = cost_chart(days, words="w", limit=Decimal(10))
    rects = drawn(svg).findall(f"{SVG}rect")

    assert titles(svg) == [
        "2025-11-14: $12.00",
        "2025-11-15: no entry",
        "2025-11-16: $5.00 (all estimated)",
        "2025-11-17: $3.00 so far",
    ]
    assert rects[0].get("fill") != rects[2].get("fill")
    assert rects[1].get("fill") == "url(#unseen)"
    assert [rect.get("fill-opacity") for rect in rects] == [None, None, ".55", ".55"]
    assert "limit" not in cost_chart(days, words="w", limit=None)


def test_calendar_puts_days_under_their_weekday():
    # The 17th was a Monday.
    standings = dict(zip((date(2025, 11, day) for day in (15, 16, 17, 18)), DayStanding, strict=True))

    svg = calendar_chart(standings, words="w")
    columns = [int(rect.get("x")) // 48 for rect in drawn(svg).iter(f"{SVG}rect")]

    assert columns == [5, 6, 0, 1]
    assert titles(svg) == [f"{day.isoformat()}: {one.value}" for day, one in standings.items()]
