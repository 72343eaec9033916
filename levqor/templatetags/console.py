"""Figures of the console: ages that say when they were true, durations, shares."""

from __future__ import annotations

from datetime import UTC, datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from monitoring.domain.figures import duration
from monitoring.domain.strips import TimeState
from monitoring.domain.uptime import Band, format_percent
from monitoring.domain.verdict_text import gate_cells
from monitoring.domain.verdicts import Reading
from monitoring.services.board import EndpointLine

register = template.Library()
_STRIP_WORDS = (
    (TimeState.DOWN, "down"),
    (TimeState.UNKNOWN, "unknown"),
    (TimeState.EXCLUDED, "excluded"),
)


@register.filter
def ago(moment: datetime | None, now: datetime) -> SafeString | str:
    """`moment` as an age that the page keeps counting up, with the exact time behind it."""
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    if seconds < 0:
        return moment_text(moment)
    return format_html(
        '<time datetime="{}" title="{}" data-age="{}">{} ago</time>',
        moment.astimezone(UTC).isoformat(),
        moment_text(moment),
        round(seconds),
        duration(int(seconds)),
    )


@register.filter
def ahead(moment: datetime | None, now: datetime) -> SafeString | str:
    """How long until `moment`, with the exact time behind it."""
    if moment is None:
        return ""
    seconds = max((moment - now).total_seconds(), 0)
    text = f"in {duration(seconds)}" if seconds else "now"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), moment_text(moment), text
    )


@register.filter
def moment_text(moment: datetime | None) -> str:
    """A moment in UTC, to the second."""
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


@register.filter
def seconds_text(seconds: float | None) -> str:
    """A length of time in at most two units."""
    return "" if seconds is None else duration(seconds)


@register.filter
def between(start: datetime | None, end: datetime | None) -> str:
    """The time from `start` to `end`, to a tenth of a second when it is short."""
    if start is None or end is None:
        return ""
    seconds = (end - start).total_seconds()
    return f"{seconds:.1f} s" if 0 <= seconds < 10 else duration(max(seconds, 0))


@register.filter
def likely_percent(band: Band | None) -> str:
    """An uptime band as its likely percentage, floored; `no data` without one."""
    return "no data" if band is None else f"{format_percent(band.likely, 3)} %"


@register.filter
def share_percent(share: float | None) -> str:
    """A share from 0 to 1 as a floored percentage."""
    return "" if share is None else f"{format_percent(share, 1)} %"


@register.filter
def strip_text(line: EndpointLine) -> str:
    """What a strip shows, in words."""
    week = line.week
    parts = [f"Last 7 days of {line.endpoint.name}: uptime {likely_percent(week.uptime)}"]
    lengths = {
        TimeState.DOWN: week.down_s.likely,
        TimeState.UNKNOWN: week.unknown_s,
        TimeState.EXCLUDED: week.excluded_s,
    }
    parts += [f"{word} {duration(lengths[state])}" for state, word in _STRIP_WORDS if lengths[state]]
    if line.outages:
        parts.append(f"{line.outages} outage{'s' if line.outages > 1 else ''}")
    return ", ".join(parts) + "."


@register.filter
def grouped(number: int) -> str:
    """A count with its thousands apart."""
    return f"{number:,}"


@register.filter
def figure(number: float) -> str:
    """A measured value to four significant digits."""
    return f"{number:.4g}"


@register.filter
def twice(number: int) -> int:
    """Cells to the units of a strip, whose columns are two wide."""
    return 2 * number


@register.filter
def words(text: str) -> list[str]:
    """The words of `text`, to loop over."""
    return text.split()


@register.filter
def gate_row(reading: Reading) -> tuple[str, ...]:
    """Title, value, limit, standing, coverage and samples of a gate, as text."""
    return gate_cells(reading)


@register.filter
def percent(number: float | None) -> str:
    """A percentage as it was floored where it was measured; `not known` without one."""
    return "not known" if number is None else f"{number} %"
