"""The newest of what the intelligence found."""

from __future__ import annotations

from dataclasses import dataclass

from intelligence.domain.words import RecommendationState
from intelligence.models import IntelEvent, IntelRecommendation


@dataclass(frozen=True, slots=True)
class NewestFindings:
    """The newest anomalies, and the newest recommendations that nobody has settled yet."""

    anomalies: tuple[IntelEvent, ...]
    recommendations: tuple[IntelRecommendation, ...]


def newest_findings(*, limit: int = 5) -> NewestFindings:
    """What the active scope may see of them, at most `limit` of each. Two queries."""
    anomalies = IntelEvent.objects.select_related("tenant").order_by("-ts", "-id")[:limit]
    open_ones = IntelRecommendation.objects.filter(state=RecommendationState.OPEN.value)
    return NewestFindings(
        anomalies=tuple(anomalies),
        recommendations=tuple(open_ones.select_related("tenant").order_by("-ts", "-id")[:limit]),
    )
