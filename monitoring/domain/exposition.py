"""Writes measurements as Prometheus reads them: the text format 0.0.4, or OpenMetrics 1.0.

What is not known has no sample: a scraper then shows a gap, where 0 would be a measurement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Format(StrEnum):
    """A text format, by its media type."""

    PLAIN = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@dataclass(slots=True)
class Gauge:
    """Measurements of one name that may rise and fall."""

    name: str
    meaning: str
    samples: list[tuple[Mapping[str, str], float]] = field(default_factory=list)

    def add(self, value: float | bool | None, **labels: str) -> None:
        """Add a measurement; None adds nothing."""
        if value is not None:
            self.samples.append((labels, float(value)))


def render(gauges: Iterable[Gauge], form: Format) -> str:
    """Return the measurements as text; a gauge without a sample is left out whole."""
    lines: list[str] = []
    for gauge in gauges:
        if not gauge.samples:
            continue
        # HELP escapes no quote in 0.0.4, and every one in OpenMetrics.
        meaning = gauge.meaning.replace("\\", "\\\\").replace("\n", "\\n")
        if form is Format.OPENMETRICS:
            meaning = meaning.replace('"', '\\"')
        lines += [f"# TYPE {gauge.name} gauge", f"# HELP {gauge.name} {meaning}"]
        lines += [f"{gauge.name}{_labels(labels)} {_number(value)}" for labels, value in gauge.samples]
    if form is Format.OPENMETRICS:
        lines.append("# EOF")
    return "\n".join(lines) + "\n" if lines else ""


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
