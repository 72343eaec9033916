"""The daily check: six steps on one screen, and one entry a day in the ops log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Sum

from monitoring.domain.burnin import BurnInState
from monitoring.domain.burnin_days import progress_of
from monitoring.domain.costs import daily_total, run_rate
from monitoring.domain.observing import Source
from monitoring.domain.occasions import Occasion
from monitoring.domain.opslog import BurnInDay, DayFigures, OpsKind, daily_data, daily_text
from monitoring.domain.verdicts import Verdict
from monitoring.domain.windows import Window
from monitoring.models import AlertEpisode, Endpoint, HealthMinute, OpsLogEntry
from monitoring.services.board import JobLine, job_lines
from monitoring.services.costs import entries_between
from monitoring.services.judging import current_burn_in, judge, judge_in_full
from monitoring.services.ops_log import write_entry
from monitoring.services.period_figures import count_period
from monitoring.services.public_metrics import PublicMetrics, read_public_metrics
from monitoring.services.verdicts import settled_moment, store_judgement
from tenancy.context import control_transaction

DAY = timedelta(days=1)
LONGEST_NOTE = 4000


class UnableToRecord(ValueError):
    """The ops log does not take this entry; the message says why and what would do."""


@dataclass(frozen=True, slots=True)
class SyntheticLine:
    """The synthetic checks of one endpoint over the past 24 hours."""

    endpoint: str
    total: int
    bad: int


@dataclass(frozen=True, slots=True)
class DailyCheck:
    """What the operator looks at, in the order of the six steps. `entry` is today's, once it is recorded."""

    at: datetime
    burn_in: BurnInDay | None
    verdict: Verdict
    metrics: PublicMetrics
    jobs: tuple[JobLine, ...]
    synthetic: tuple[SyntheticLine, ...]
    alerts: tuple[AlertEpisode, ...]
    figures: DayFigures
    entry: OpsLogEntry | None
    amendments: tuple[OpsLogEntry, ...]


def gather_daily_check(*, now: datetime) -> DailyCheck:
    """The six steps at `now`. A constant number of queries."""
    with control_transaction("daily check"):
        entry = _entry_of(now.astimezone(UTC).date())
        return DailyCheck(
            at=now,
            burn_in=burn_in_day(now),
            verdict=judge(now=now),
            metrics=read_public_metrics(now),
            jobs=job_lines(now),
            synthetic=_synthetic(now),
            alerts=tuple(
                AlertEpisode.objects.touching(now - DAY, now).order_by("severity", "-fired_at", "id")
            ),
            figures=day_figures(now),
            entry=entry,
            amendments=tuple(entry.amendments.order_by("at", "id")) if entry else (),
        )


def burn_in_day(now: datetime) -> BurnInDay | None:
    """How far the current burn-in has come. One query."""
    burn_in = current_burn_in()
    if burn_in is None:
        return None
    progress = progress_of(
        starts_at=burn_in.starts_at,
        ends_at=burn_in.ends_at,
        review_at=burn_in.review_at,
        state=BurnInState(burn_in.state),
        now=now,
    )
    return BurnInDay(burn_in.name, progress.day, progress.days)


def day_figures(now: datetime) -> DayFigures:
    """The daily metrics over the 24 hours before `now`. Needs the control plane's scope."""
    period = count_period(Window.trailing(now.astimezone(UTC), DAY))
    today = now.astimezone(UTC).date()
    entries = entries_between(today - DAY, today)
    rate = run_rate(entries, now)
    return DayFigures(
        observations=period.counts.total,
        server_errors=period.server_errors,
        latency_ms=period.latency_ms,
        p1_incidents=period.p1_incidents,
        alerts=period.alerts,
        heals=period.heals,
        cost_day=today - DAY,
        cost_usd=daily_total(entries, today - DAY, now).total,
        run_rate_usd=rate.total if rate else None,
    )


def _synthetic(now: datetime) -> tuple[SyntheticLine, ...]:
    names = dict(Endpoint.objects.values_list("pk", "name"))
    rows = (
        HealthMinute.objects.filter(source=Source.SYNTHETIC.value, at__gte=now - DAY, at__lt=now)
        .values("endpoint_key")
        .annotate(all=Sum("total"), wrong=Sum("bad"))
        .values_list("endpoint_key", "all", "wrong")
    )
    lines = (SyntheticLine(names.get(key, "(removed)"), total, bad) for key, total, bad in rows)
    return tuple(sorted(lines, key=lambda line: (-line.bad, line.endpoint)))


def _entry_of(day: date) -> OpsLogEntry | None:
    return OpsLogEntry.objects.filter(kind=OpsKind.DAILY.value, day=day).first()


def record_daily_check(*, now: datetime, operator: str, notes: str = "") -> OpsLogEntry:
    """This will store the verdict of the day and write its entry into the ops log, together.

    Raises:
        UnableToRecord: when the day has its entry already: a further one must amend it.
        UnableToJudge: when the policy asks for a window that does not exist.
    """
    day = now.astimezone(UTC).date()
    notes = _checked(notes)
    try:
        with control_transaction("daily check"):
            there = _entry_of(day)
            if there is not None:
                raise _recorded_already(there)
            judgement, material = judge_in_full(now=settled_moment(now))
            stored = store_judgement(judgement, material, occasion=Occasion.DAILY, now=now, actor=operator)
            verdict, figures, at_day = judgement.verdict, day_figures(now), burn_in_day(now)
            return write_entry(
                OpsKind.DAILY,
                at=now,
                day=day,
                actor=operator,
                text=daily_text(verdict, figures, at_day, notes=notes, operator=operator),
                data=daily_data(
                    verdict, figures, at_day, number=stored.number, notes=notes, operator=operator
                ),
            )
    except IntegrityError as error:
        there = _entry_of(day)
        if there is None:
            raise
        raise _recorded_already(there) from error


def _recorded_already(entry: OpsLogEntry) -> UnableToRecord:
    return UnableToRecord(
        f"The daily check of {entry.day} was recorded at {entry.at.astimezone(UTC):%H:%M:%S} UTC by"
        f" {entry.actor}. It is never changed; amend it by a further entry (daily_check --amend TEXT)."
    )


@transaction.atomic
def amend_daily_check(*, day: date, now: datetime, operator: str, text: str) -> OpsLogEntry:
    """This will add an entry that corrects or completes the daily check of `day`.

    Raises:
        UnableToRecord: when that day has no daily check, or without a text.
    """
    entry = _entry_of(day)
    if entry is None:
        raise UnableToRecord(f"There is no daily check of {day} to amend. Record it first: daily_check")
    text = _checked(text)
    if not text:
        raise UnableToRecord("An amendment needs a text.")
    return write_entry(OpsKind.AMENDMENT, at=now, actor=operator, text=text, amends=entry)


def _checked(text: str) -> str:
    text = text.strip()
    if len(text) > LONGEST_NOTE:
        raise UnableToRecord(f"A note has at most {LONGEST_NOTE:,} characters; this one has {len(text):,}.")
    return text
