"""Growth, retention and what is expected: events, days, sources, forecasts with their track record."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from intelligence.models import AnalyticsAggregate, GrowthEvent, ReferralRetention, SeriesForecast
from tenancy.admin.columns import moment
from tenancy.admin.csv_export import export_csv
from tenancy.admin.scoped import ReadOnlyAdmin
from tenancy.admin.time_ranges import time_range

_WIDTH, _HEIGHT = 640, 160


class GrowthAdmin(ReadOnlyAdmin):
    """A list of one tenant's rows."""

    tenant_path = "tenant_id"
    list_select_related = ("tenant",)
    show_full_result_count = False


@admin.register(GrowthEvent)
class GrowthEventAdmin(GrowthAdmin):
    """What people did with the product."""

    list_display = (moment("at", "time"), "kind", "user", "source", "plan", "revenue_cents", "tenant")
    list_filter = ("kind", time_range("at"))
    search_fields = ("user", "source", "campaign")
    ordering = ("-at", "-id")


@admin.register(AnalyticsAggregate)
class AnalyticsAggregateAdmin(GrowthAdmin):
    """Active users by day."""

    list_display = ("day", "dau", "wau", "mau", "recorded_days", "tenant")
    ordering = ("-day",)
    actions = (export_csv,)
    csv_fields = ("day", "tenant__ext_id", "dau", "wau", "mau", "recorded_days")


@admin.register(ReferralRetention)
class ReferralRetentionAdmin(GrowthAdmin):
    """Each source of visitors by day."""

    list_display = (
        "day",
        "source",
        "visits",
        "signups",
        "paid",
        "revenue_cents",
        "dau",
        "wau",
        "mau",
        "tenant",
    )
    list_filter = ("source",)
    ordering = ("-day", "source")
    actions = (export_csv,)
    csv_fields = (
        "day",
        "tenant__ext_id",
        "source",
        "visits",
        "signups",
        "paid",
        "revenue_cents",
        "dau",
        "wau",
        "mau",
    )


@admin.register(SeriesForecast)
class SeriesForecastAdmin(GrowthAdmin):
    """Forecasts with their intervals, and what came of them."""

    list_display = (
        "starts_on",
        "measure",
        "predicted",
        "low",
        "high",
        "actual",
        "within",
        "method",
        "data_points",
        "tenant",
    )
    list_filter = ("measure", "within", time_range("ts"))
    ordering = ("-starts_on", "measure")
    fields = (
        "ts",
        "tenant",
        "measure",
        "starts_on",
        "horizon_days",
        ("predicted", "low", "high"),
        ("actual", "within", "scored_at"),
        ("method", "data_points", "confidence", "backtest_error"),
        "explanation",
        "chart",
        "by_day",
    )
    readonly_fields = ("chart", "by_day")

    @admin.display(description="chart")
    def chart(self, row: SeriesForecast) -> SafeString | str:
        """The days ahead as a line in its 95 % interval."""
        return forecast_chart(row.path) if row.path else "no forecast"

    @admin.display(description="by day")
    def by_day(self, row: SeriesForecast) -> SafeString:
        """The same as a table."""
        lines = format_html_join(
            "",
            "<tr><th scope='row'>{}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
            ((n, *(f"{value:,.2f}" for value in day)) for n, day in enumerate(row.path, start=1)),
        )
        names = ("day", "expected", "low", "high")
        head = format_html("<tr>{}</tr>", format_html_join("", "<th>{}</th>", ((name,) for name in names)))
        return format_html("<table><thead>{}</thead><tbody>{}</tbody></table>", head, lines)


def forecast_chart(path: list[list[float]]) -> SafeString:
    """An SVG of days that are each (expected, low, high)."""
    floor = min(low for _, low, _ in path)
    span = max(high for _, _, high in path) - floor or 1.0

    def place(n: int, value: float) -> str:
        return f"{n * _WIDTH / max(1, len(path) - 1):.1f},{_HEIGHT - (value - floor) / span * _HEIGHT:.1f}"

    upper = [place(n, high) for n, (_, _, high) in enumerate(path)]
    lower = [place(n, low) for n, (_, low, _) in enumerate(path)]
    line = [place(n, mean) for n, (mean, _, _) in enumerate(path)]
    return format_html(
        '<svg viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="Forecast with its 95 % interval, '
        'from {} to {}"><polygon points="{}" fill="currentColor" fill-opacity="0.15"/>'
        '<polyline points="{}" fill="none" stroke="currentColor" stroke-width="2"/></svg>',
        _WIDTH,
        _HEIGHT,
        _WIDTH,
        _HEIGHT,
        f"{floor:,.2f}",
        f"{floor + span:,.2f}",
        " ".join(upper + lower[::-1]),
        " ".join(line),
    )
