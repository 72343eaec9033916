"""API tokens: taking them away."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from tenancy.models import ApiToken


@transaction.atomic
def revoke_tokens(*, ids: Collection[int], now: datetime) -> int:
    """This will make the tokens open nothing from `now` on, and return how many still did."""
    return ApiToken.objects.filter(pk__in=ids, revoked_at__isnull=True).update(revoked_at=now)
