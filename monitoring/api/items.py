"""What a program sends of one observation or one cost."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from monitoring.domain.costs import CostKind
from tenancy.api.fields import InstantField, NumberField, TextField, TruthField, WholeField

_Item = serializers.Serializer[Any]


class ObservationItem(_Item):
    ts = InstantField(help_text="When the observation began.")
    endpoint = TextField(
        max_length=100,
        required=False,
        allow_blank=True,
        help_text="Name of the endpoint observed, if one was.",
    )
    ended_at = InstantField(
        required=False, help_text="When the answer was complete; ts + latency_ms when left out."
    )
    status_code = WholeField(min_value=0, max_value=599, required=False, help_text="0 = no answer.")
    ok = TruthField(required=False, help_text="Left out: whether status_code is the expected one.")
    latency_ms = NumberField(min_value=0, max_value=86_400_000, required=False)
    error_class = TextField(max_length=32, required=False, allow_blank=True)
    error = TextField(max_length=500, required=False, allow_blank=True)


class ObservationsBody(_Item):
    # The stubs do not know that a list of items takes bounds.
    items = ObservationItem(many=True, min_length=1, max_length=5000)  # type: ignore[call-arg]


class CostItem(_Item):
    day = serializers.DateField(help_text="UTC day.")
    service = TextField(max_length=64)
    amount = serializers.DecimalField(
        max_digits=12, decimal_places=4, min_value=0, help_text='US dollars, best as a text: "12.50".'
    )
    kind = serializers.ChoiceField([kind.value for kind in CostKind], default=CostKind.METERED.value)
    currency = serializers.ChoiceField(["USD"], default="USD")
    note = TextField(max_length=200, required=False, allow_blank=True)


class CostsBody(_Item):
    # The stubs do not know that a list of items takes bounds.
    items = CostItem(many=True, min_length=1, max_length=5000)  # type: ignore[call-arg]
