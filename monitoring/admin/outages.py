"""Outages and the spans in which anybody looked: written by the prober, read here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils import timezone

from monitoring.admin.filters import EndpointFilter
from monitoring.domain.figures import duration
from monitoring.models import ObservedSpan, Outage
from monitoring.services.uptime import outage_facts
from tenancy.admin.columns import moment
from tenancy.admin.csv_export import export_csv
from tenancy.admin.scoped import ReadOnlyAdmin
from tenancy.admin.time_ranges import time_range


@admin.register(Outage)
class OutageAdmin(ReadOnlyAdmin):
    """Each with its least, likely and greatest length: the truth lies between the probes."""

    tenant_path = "endpoint__tenant_id"
    list_display = (
        moment("first_bad_at", "from"),
        "endpoint",
        "standing",
        "least",
        "likely",
        "most",
        "status_code",
        "error_class",
        "confirmed",
    )
    list_filter = (time_range("last_bad_at"), EndpointFilter, "confirmed")
    list_select_related = ("endpoint",)
    search_fields = ("endpoint__name", "error")
    ordering = ("-first_bad_at", "-id")
    show_full_result_count = False
    actions = (export_csv,)
    csv_fields = (
        "endpoint__name",
        "last_good_at",
        "first_bad_at",
        "last_bad_at",
        "first_good_at",
        "confirmed",
        "failures",
        "status_code",
        "error_class",
        "error",
    )

    @admin.display(description="state")
    def standing(self, outage: Outage) -> str:
        """Whether it lasts, is over, or was a blip that its confirmation did not bear out."""
        if outage.first_good_at is None:
            return "open"
        return "over" if outage.confirmed else "blip"

    @admin.display(description="at least")
    def least(self, outage: Outage) -> str:
        """Surely down for so long."""
        return duration(outage_facts(outage).min_s)

    @admin.display(description="likely")
    def likely(self, outage: Outage) -> str:
        """Both edges in the middle of their bounds."""
        return duration(outage_facts(outage).likely_s(timezone.now()))

    @admin.display(description="at most", empty_value="not bounded")
    def most(self, outage: Outage) -> str | None:
        """Not bounded where no good probe came before."""
        longest = outage_facts(outage).max_s(timezone.now())
        return None if longest is None else duration(longest)


@admin.register(ObservedSpan)
class ObservedSpanAdmin(ReadOnlyAdmin):
    """When anybody looked. What lies between two spans of an endpoint is unknown."""

    tenant_path = "endpoint__tenant_id"
    list_display = (moment("started_at"), moment("ended_at"), "endpoint", "length")
    list_filter = (time_range("ended_at"), EndpointFilter)
    list_select_related = ("endpoint",)
    search_fields = ("endpoint__name",)
    ordering = ("-started_at", "-id")
    show_full_result_count = False

    @admin.display(description="length")
    def length(self, span: Any) -> str:
        """From its first observation to the end of its last one's hold."""
        return duration((span.ended_at - span.started_at).total_seconds())
