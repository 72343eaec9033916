"""The report as one HTML file that needs nothing else: for download, and for print."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from monitoring.domain.charts import calendar_chart, cost_chart, line_chart, strip_chart
from monitoring.domain.reports import Report


def report_charts(report: Report) -> dict[str, object]:
    """The charts as SVG; their texts were escaped where they were drawn."""
    errors = [(point.at, point.error_percent) for point in report.hours]
    latencies = [(point.at, point.latency_ms) for point in report.hours]
    served = sum(standing == "served" for standing in report.api_days.values())
    charts = {
        "errors": line_chart(
            errors, words="Bad observations in percent, by hour", unit="%", limit=report.error_limit
        ),
        "latency": line_chart(latencies, words="Mean latency in milliseconds, by hour", unit="ms"),
        "costs": cost_chart(report.costs, words="Cost by UTC day", limit=report.cost_limit),
        "calendar": calendar_chart(
            report.api_days, words=f"Intelligence API: {served} of {len(report.api_days)} days served"
        ),
    }
    drawn: dict[str, object] = {name: mark_safe(svg) for name, svg in charts.items()}  # nosec B308 B703: drawn and escaped by us
    drawn["strips"] = [
        (one, mark_safe(strip_chart(one.strip, words=one.words)))  # nosec B308 B703: drawn and escaped by us
        for one in report.endpoints
    ]
    return drawn


def report_html(report: Report) -> str:
    """The whole file."""
    return render_to_string("reports/burnin.html", {"report": report, "charts": report_charts(report)})
