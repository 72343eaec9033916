"""What people make of recommendations."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import transaction

from intelligence.domain.words import RecommendationState
from intelligence.models import IntelRecommendation


@transaction.atomic
def settle_recommendations(*, ids: Collection[UUID], state: RecommendationState) -> int:
    """This will put the open ones among the recommendations into `state`, and return how many those were."""
    rows = IntelRecommendation.objects.filter(pk__in=ids, state=RecommendationState.OPEN.value)
    return rows.update(state=state.value)
