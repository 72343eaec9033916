"""Gathers a burn-in report, from stored rows only."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django.db.models import Sum

from monitoring.domain.burnin import BurnInState
from monitoring.domain.burnin_days import progress_of
from monitoring.domain.costs import daily_totals
from monitoring.domain.day_readings import DayStanding, stand_of_day
from monitoring.domain.reports import EndpointWeek, HourPoint, LogLine, Report
from monitoring.domain.strips import strip_of
from monitoring.domain.uptime import measure
from monitoring.domain.verdict_record import Judgement
from monitoring.domain.windows import Window
from monitoring.models import BurnIn, Endpoint, HealthHour, OpsLogEntry
from monitoring.services.costs import entries_between
from monitoring.services.judging import current_burn_in, judge_in_full
from monitoring.services.uptime import endpoint_records
from tenancy.context import control_transaction

WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)
# Twelve cells a day.
_STRIP_CELLS = 84
_LOG_LINES = 40


def gather_report(*, now: datetime) -> Report:
    """The past seven days and the verdict of this moment. A constant number of queries.

    Raises:
        UnableToJudge: when the policy asks for a window that does not exist.
    """
    at = now.astimezone(UTC)
    window = Window.trailing(at, WEEK)
    today = at.date()
    with control_transaction("report"):
        judgement, _ = judge_in_full(now=at)
        policy, burn_in = judgement.policy, current_burn_in()
        first = today - timedelta(days=7)
        return Report(
            at=at,
            burn_in=burn_in.name if burn_in else "no burn-in is open",
            stage=_stage(burn_in, at),
            review_at=burn_in.review_at if burn_in else None,
            window=window,
            verdict=judgement.verdict,
            endpoints=_endpoints(window, at),
            hours=_hours(window),
            error_limit=policy.error_rate.max_percent if policy.error_rate else None,
            costs=daily_totals(entries_between(first, today), first, today, at),
            cost_limit=policy.daily_cost.max_usd if policy.daily_cost else None,
            api_days=_api_days(judgement),
            log=tuple(
                LogLine(entry.at, entry.kind, entry.actor, entry.text)
                for entry in OpsLogEntry.objects.newest_first()[:_LOG_LINES]
            ),
        )


def _stage(burn_in: BurnIn | None, at: datetime) -> str:
    if burn_in is None:
        return "No burn-in is open."
    progress = progress_of(
        starts_at=burn_in.starts_at,
        ends_at=burn_in.ends_at,
        review_at=burn_in.review_at,
        state=BurnInState(burn_in.state),
        now=at,
    )
    review = f"{burn_in.review_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"Day {progress.day}/{progress.days}, {burn_in.state}; review {review}."


def _endpoints(window: Window, now: datetime) -> tuple[EndpointWeek, ...]:
    rows = list(Endpoint.objects.order_by("-critical", "name", "id"))
    records = endpoint_records(rows, window)
    return tuple(
        EndpointWeek(
            name=row.name,
            critical=row.critical,
            week=measure(window, [records[row.pk]], now),
            strip=strip_of(window, records[row.pk], now, cells=_STRIP_CELLS),
            outages=sum(outage.confirmed for outage in records[row.pk].outages),
        )
        for row in rows
    )


def _hours(window: Window) -> tuple[HourPoint, ...]:
    """Every whole hour that began in the window, with gaps where nothing was observed."""
    rows = (
        HealthHour.objects.filter(at__gte=window.start, at__lt=window.end)
        .values("at")
        .annotate(all=Sum("total"), wrong=Sum("bad"), ms=Sum("latency_sum_ms"), answered=Sum("latency_count"))
    )
    found = {row["at"]: row for row in rows}
    first = window.start.replace(minute=0, second=0, microsecond=0) + HOUR
    points = []
    for number in range(int(WEEK / HOUR)):
        at = first + number * HOUR
        row = found.get(at)
        if at < window.end:
            points.append(
                HourPoint(
                    at,
                    error_percent=100 * row["wrong"] / row["all"] if row and row["all"] else None,
                    latency_ms=row["ms"] / row["answered"] if row and row["answered"] else None,
                )
            )
    return tuple(points)


def _api_days(judgement: Judgement) -> dict[date, DayStanding]:
    criterion = judgement.policy.intelligence_api_days
    if criterion is None:
        return {}
    facts = [fact for fact in judgement.evidence.api_days or () if fact.completed]
    return {fact.day: stand_of_day(fact, criterion) for fact in facts[-14:]}
