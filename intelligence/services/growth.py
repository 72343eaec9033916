"""Takes in what people did with the product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from intelligence.domain.growth import GrowthKind
from intelligence.models import GrowthEvent


@dataclass(frozen=True, slots=True)
class Step:
    """One step of one person; `revenue_cents` only of a payment."""

    kind: GrowthKind
    user: str
    at: datetime
    source: str = ""
    campaign: str = ""
    plan: str = ""
    revenue_cents: int | None = None


@transaction.atomic
def record_growth(steps: Sequence[Step]) -> int:
    """This will store the steps that are not known yet, for the tenant of the scope, and return how many.

    Known is a step of the same person, kind and instant. Two statements.
    """
    users = {step.user for step in steps}
    known = set(
        GrowthEvent.objects.filter(user__in=users, at__in={step.at for step in steps}).values_list(
            "user", "kind", "at"
        )
    )
    new = {(step.user, step.kind.value, step.at): step for step in steps}
    rows = [
        GrowthEvent(**{**_fields(step), "kind": step.kind.value})
        for key, step in new.items()
        if key not in known
    ]
    # Another request may tell the same at the same time: then the database keeps one.
    GrowthEvent.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _fields(step: Step) -> dict[str, object]:
    return {name: getattr(step, name) for name in Step.__slots__}
