"""SLOs: what is promised, how the budget stands and went, and the recoveries proposed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone

from monitoring.domain.figures import coverage_text, duration, floored, percent_of
from monitoring.domain.slo import SliKind
from monitoring.models import RecoveryProposal, Slo, SloEvaluation
from monitoring.services.openslo import audit_slo
from monitoring.services.slo_history import budget_history
from tenancy.admin.columns import moment
from tenancy.admin.scoped import ReadOnlyAdmin, ScopedAdmin

_DASH = "–"


class SloForm(forms.ModelForm):  # type: ignore[type-arg]  # the stubs make it generic, Django does not
    """The objective is typed in percent."""

    percent = forms.DecimalField(
        label="Objective (%)", min_value=Decimal("0.000001"), max_value=Decimal("99.999999"), decimal_places=6
    )

    class Meta:
        model = Slo
        exclude: ClassVar = ["objective"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["percent"].initial = self.instance.objective_percent

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        is_latency = self.cleaned_data.get("sli") == SliKind.LATENCY.value
        if is_latency is not (self.cleaned_data.get("threshold_ms") is not None):
            self.add_error("threshold_ms", "A latency SLO, and no other, says within how many milliseconds.")
        if self.cleaned_data.get("percent") is not None:
            self.instance.objective = self.cleaned_data["percent"] / 100
        return cleaned


@admin.register(Slo)
class SloAdmin(ScopedAdmin):
    """Who may change a promise changes what counts as kept: each change is audited in full."""

    form = SloForm
    list_display = (
        "title_or_name",
        "sli",
        "promised",
        "standing",
        "good",
        "left",
        "burn",
        "observed",
        "enabled",
    )
    list_filter = ("enabled", "sli", "period")
    search_fields = ("name", "title")
    ordering = ("name",)
    filter_horizontal = ("endpoints",)
    fieldsets = (
        (None, {"fields": ("name", "title", "description", "enabled")}),
        ("What is promised", {"fields": ("sli", "percent", "threshold_ms", "period", "endpoints")}),
        ("When it breaks", {"fields": ("recovers",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        newest = SloEvaluation.objects.newest_of_each()
        return (
            super()
            .get_queryset(request)
            .prefetch_related(Prefetch("evaluations", queryset=newest, to_attr="newest"))
        )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        if not self.has_change_permission(request, obj):
            plain = ("name", "title", "description", "enabled", "sli", "promised", "period", "endpoints")
            fieldsets = ((None, {"fields": plain}),)
        return (("How it stands", {"fields": ("said", "budget")}), *fieldsets)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("said", "budget", "promised", "name") if obj else ()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        event = "slo_changed" if change else "slo_created"
        audit_slo(form.instance, event=event, actor=request.user.get_username())

    @admin.display(description="SLO", ordering="name")
    def title_or_name(self, slo: Slo) -> str:
        """Its title, or its name."""
        return str(slo)

    @admin.display(description="objective", ordering="objective")
    def promised(self, slo: Slo) -> str:
        """The objective, in percent."""
        return f"{slo.objective_percent} %"

    @admin.display(description="standing")
    def standing(self, slo: Slo) -> str:
        """How it stood when it was last evaluated."""
        row = _newest(slo)
        return row.standing.replace("_", " ") if row else "not evaluated yet"

    @admin.display(description="good")
    def good(self, slo: Slo) -> str:
        """The SLI."""
        row = _newest(slo)
        return _DASH if row is None or row.sli is None else f"{floored(percent_of(row.sli), 3)} %"

    @admin.display(description="budget left")
    def left(self, slo: Slo) -> str:
        """Signed: an overspent budget says by how much."""
        row = _newest(slo)
        if row is None or row.remaining_s is None:
            return _DASH
        return f"{'' if row.remaining_s >= 0 else '-'}{duration(abs(row.remaining_s))}"

    @admin.display(description="burn / limit")
    def burn(self, slo: Slo) -> str:
        """Above 1 the budget burns too fast."""
        row = _newest(slo)
        return _DASH if row is None or row.burn is None else f"{row.burn:.2f}"

    @admin.display(description="observed")
    def observed(self, slo: Slo) -> str:
        """The share of the window in which anybody looked."""
        row = _newest(slo)
        return _DASH if row is None else coverage_text(row.coverage)

    @admin.display(description="in words")
    def said(self, slo: Slo) -> str:
        """The sentence of the last evaluation."""
        row = _newest(slo)
        return row.sentence if row else "Not evaluated yet."

    @admin.display(description="error budget")
    def budget(self, slo: Slo) -> str:
        """The chart, with the table behind it."""
        history = budget_history(slo, now=timezone.now())
        return render_to_string("admin/monitoring/slo/budget.html", {"history": history})


def _newest(slo: Slo) -> SloEvaluation | None:
    rows: list[SloEvaluation] = getattr(slo, "newest", [])
    return rows[0] if rows else None


@admin.register(RecoveryProposal)
class RecoveryProposalAdmin(ReadOnlyAdmin):
    """What the portal proposes to recover; what recovers answers."""

    list_display = (moment("proposed_at"), "subsystem", "slo", "incident", "answer", moment("answered_at"))
    list_display_links = ("subsystem",)
    list_select_related = ("slo", "incident")
    ordering = ("-proposed_at", "-id")
