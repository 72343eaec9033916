"""One SLO at one moment: its SLI, its error budget, how fast that burns, and whether anything is known.

Everything is counted in seconds. Of an SLI that counts observations, each speaks for an equal part of the
observed time: 1 % bad in a day that was observed half is 432 bad seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from monitoring.domain.burn_rate import SHORTEST, Burn, worst_burn
from monitoring.domain.figures import coverage_text, duration, floored, percent_of
from monitoring.domain.slo import (
    ErrorBudget,
    SliKind,
    SloPeriod,
    SloStanding,
    burn_rate,
    error_budget,
    silence_allowed_s,
    standing_after,
)
from monitoring.domain.windows import Window

BREACHES_TO_ACT = 3
# A share of fewer observations says nothing (time needs no such minimum).
LEAST_SAMPLES = 10


@dataclass(frozen=True, slots=True)
class SloTerms:
    """What an SLO promises. `objective` is a ratio; `threshold_ms` only of latency."""

    sli: SliKind
    objective: float
    period: SloPeriod
    threshold_ms: float | None = None

    def __post_init__(self) -> None:
        if (self.sli is SliKind.LATENCY) is not (self.threshold_ms is not None):
            raise ValueError("a latency SLO, and no other, says under how many milliseconds")


@dataclass(frozen=True, slots=True)
class Stretch:
    """How a trailing window was spent: seconds of its length, of what was observed, of what was bad."""

    length_s: float
    observed_s: float
    bad_s: float

    def __post_init__(self) -> None:
        # A microsecond of rounding is no contradiction.
        if not 0 <= self.bad_s <= self.observed_s + 1e-6:
            raise ValueError(f"{self.bad_s} bad of {self.observed_s} observed seconds cannot be")

    @classmethod
    def of_counts(cls, *, length_s: float, observed_s: float, bad: int, total: int) -> Stretch:
        """The same of counted observations; without any, nothing was observed."""
        if not total:
            return cls(length_s, 0.0, 0.0)
        return cls(length_s, observed_s, observed_s * (bad / total))

    def burn(self, objective: float) -> float | None:
        """The burn rate over the full length, however young its first row; None where nothing was observed."""
        return (
            burn_rate(bad=self.bad_s, total=self.length_s, objective=objective) if self.observed_s else None
        )


@dataclass(frozen=True, slots=True)
class SloMaterial:
    """What was measured for one SLO."""

    window: Window
    spent: Stretch
    """The window of the SLO, as far as it has gone by; its length is the whole window's."""
    elapsed_s: float
    recent: Mapping[timedelta, Stretch]
    history: timedelta | None
    """How long ago the first observation was; None without any."""
    silence_s: float | None
    """Since when one of the endpoints has not been seen, in seconds; None without endpoints."""
    hold_s: float
    endpoints: int
    samples: int


@dataclass(frozen=True, slots=True)
class SloPast:
    """What the last evaluation left."""

    standing: SloStanding = SloStanding.NO_DATA
    breaches: int = 0
    counts_again: bool = True
    """False where the last evaluation was so short ago that a breach now is the one it saw."""


@dataclass(frozen=True, slots=True)
class SloReading:
    """How an SLO stands. `sli`, `budget` and `burn` are None where nothing is known."""

    terms: SloTerms
    window: Window
    sli: float | None
    coverage: float
    budget: ErrorBudget | None
    standing: SloStanding
    rates: Mapping[timedelta, float | None]
    burn: Burn | None
    silence_s: float | None
    no_data: bool
    breach: bool | None
    """Whether the objective was missed over the last five minutes; None where nothing is known of them."""
    breaches: int
    """How many evaluations in a row, up to this one, found it missed."""
    samples: int
    sentence: str


def read_slo(terms: SloTerms, material: SloMaterial, past: SloPast) -> SloReading:
    """Return how the SLO stands, given what was measured and what the last evaluation left."""
    spent = material.spent
    enough = terms.sli is SliKind.AVAILABILITY or material.samples >= LEAST_SAMPLES
    sli = 1 - spent.bad_s / spent.observed_s if spent.observed_s and enough else None
    budget = None
    if sli is not None:
        budget = error_budget(bad_s=spent.bad_s, total_s=spent.length_s, objective=terms.objective)
    rates = {length: stretch.burn(terms.objective) for length, stretch in material.recent.items()}
    latest = rates.get(SHORTEST)
    breach = None if latest is None else latest > 1
    no_data = _is_silent(terms, material, budget)
    return SloReading(
        terms=terms,
        window=material.window,
        sli=sli,
        coverage=spent.observed_s / material.elapsed_s if material.elapsed_s else 0.0,
        budget=budget,
        standing=standing_after(past.standing, budget.remaining_pct if budget else None),
        rates=rates,
        burn=worst_burn(rates, period=material.window.duration, history=material.history),
        silence_s=material.silence_s,
        no_data=no_data,
        breach=breach,
        breaches=max(past.breaches + past.counts_again, 1) if breach else 0,
        samples=material.samples,
        sentence=_sentence(terms, material, sli, budget, no_data=no_data),
    )


def _is_silent(terms: SloTerms, material: SloMaterial, budget: ErrorBudget | None) -> bool:
    if material.silence_s is None:
        return False
    if budget is None:
        budget = error_budget(bad_s=0, total_s=material.spent.length_s, objective=terms.objective)
    remaining_s = budget.remaining_s if budget else 0.0
    return material.silence_s > silence_allowed_s(remaining_s=remaining_s, hold_s=material.hold_s)


def what_is_measured(terms: SloTerms) -> str:
    """The SLI in words, as a column shows it."""
    if terms.sli is SliKind.LATENCY:
        return f"answered within {terms.threshold_ms:g} ms"
    return "time up" if terms.sli is SliKind.AVAILABILITY else "answered well"


def _sentence(
    terms: SloTerms, material: SloMaterial, sli: float | None, budget: ErrorBudget | None, *, no_data: bool
) -> str:
    if not material.endpoints:
        return "It has no endpoint: choose some, or mark one as critical."
    silence = ""
    if no_data and material.silence_s is not None:
        silence = f" Nothing was seen of an endpoint for {duration(material.silence_s)}:"
        silence += " the budget could be spent unseen."
    if sli is None or budget is None:
        seen = f"{material.samples} of {LEAST_SAMPLES} observations needed" if material.samples else "Nothing"
        return f"{seen} so far in the window.{silence}"
    observed = coverage_text(material.spent.observed_s / material.elapsed_s if material.elapsed_s else 0.0)
    text = f"{floored(percent_of(sli), 3)} % {what_is_measured(terms)}, objective"
    text += f" {percent_of(terms.objective).normalize():f} %, {observed} observed;"
    left = duration(abs(budget.remaining_s))
    text += f" {left} of the budget left." if budget.remaining_s >= 0 else f" overspent by {left}."
    return text + silence
