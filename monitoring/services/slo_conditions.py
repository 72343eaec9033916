"""Where alerts learn how the SLOs stand: whoever evaluates SLOs registers here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID


@dataclass(frozen=True, slots=True)
class SloCondition:
    """How one SLO stands at one moment.

    `burn` is the greatest burn rate of a window pair over that pair's factor: 1 or more = the budget burns
    too fast (both windows of the pair say so); None while no full long window exists or nothing was seen.
    `no_data`: the absence of data is itself due to be told.
    """

    subject: str
    name: str
    burn: float | None
    no_data: bool
    sentence: str
    tenant_id: UUID | None = None


SloProvider: TypeAlias = Callable[[datetime], Sequence[SloCondition]]
_providers: dict[str, SloProvider] = {}


def provide_slo_conditions(provider: SloProvider) -> SloProvider:
    """Registers the decorated function `(now) -> conditions`, which runs in the control plane's scope."""
    _providers[provider.__qualname__] = provider
    return provider


def slo_conditions(now: datetime) -> list[SloCondition]:
    """How all SLOs stand at `now`; nothing while nobody evaluates any."""
    return [condition for provider in _providers.values() for condition in provider(now)]
