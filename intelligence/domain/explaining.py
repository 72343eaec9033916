"""An anomaly in words, for a person who was not there."""

from __future__ import annotations

from typing import Final

from intelligence.domain.detectors import THRESHOLD, Reading, ReadingState

_TERMS: Final = (
    ("level", "no value near it was ever seen"),
    ("seasonal", "it is far from what is usual at this time of day"),
    ("activity", "it moves more or less than ever"),
)


def explain(name: str, reading: Reading) -> str:
    """Say what was seen, what was expected, why it stands out and what it was compared with."""
    if reading.state is ReadingState.NO_DATA:
        return f"{name}: no data at {reading.at.isoformat()}, so there is nothing to judge."
    if reading.score is None:
        return (
            f"{name} is {reading.value:g}; {reading.baseline_points} points are known, too few to judge it."
        )
    why = [words for term, words in _TERMS if (getattr(reading.terms, term) or 0.0) >= 1.0]
    reasons = f" {'; '.join(why).capitalize()}." if why else ""
    usual = "usual at this time of day" if reading.seasonal_baseline else "usual so far"
    expected = f", where about {reading.expected:g} is {usual}" if reading.expected is not None else ""
    terms = ", ".join(
        f"{term} {value:.1f}" for term, _ in _TERMS if (value := getattr(reading.terms, term)) is not None
    )
    return (
        f"{name} is {reading.value:g}{expected}.{reasons} Score {reading.score:.1f}, alert from"
        f" {THRESHOLD:.1f} ({terms or 'no term in the watched direction'}), against"
        f" {reading.baseline_points} points."
    )
