"""Plays a scripted burn-in through the real scheduler, recording and judge, by a simulated clock.

What is real: the slots and their ledger, the claiming of due endpoints, the recording with rollups, outages
and spans, the alert rules, the daily check and the checkpoint, the judge and the chain of verdicts. What is
scripted: the answers of the platform, its callers, its costs, and that each job's run went well (its work is
not done). Run it in a database of its own (`tenancy.services.databases`), never in the portal's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias

from django.db.models import F

from monitoring.domain.costs import CostKind
from monitoring.domain.observing import Severity
from monitoring.domain.occasions import Occasion
from monitoring.domain.opslog import OpsKind
from monitoring.domain.runs import Outcome, RunState
from monitoring.domain.scenario import EventKind, Scenario, ScriptedEvent
from monitoring.domain.scripted import ScriptedPlatform
from monitoring.models import CostEntry, Incident, JobRun, Verdict
from monitoring.models.api_calls import ApiCallMinute
from monitoring.services.alerts import UnableToEvaluate, evaluate_alerts
from monitoring.services.beat import SlotBook, last_slots, take_lease
from monitoring.services.burn_ins import BurnInPlan, advance_burn_in, begin_burn_in
from monitoring.services.checkpoints import take_checkpoint
from monitoring.services.cost_entries import record_cost_entry
from monitoring.services.incidents import open_incident, resolve_incident
from monitoring.services.ledger import OwedRun, open_slots
from monitoring.services.maintenance import WindowTerms, mark_maintenance
from monitoring.services.ops_log import write_entry
from monitoring.services.routine import keep_routine
from monitoring.services.schedules import read_schedule_rows, sync_schedule_rows
from monitoring.services.scripted_probing import ScriptedProber, watch_script
from monitoring.services.verdicts import store_verdict

ACTOR = "simulation"
NAME = "SIMULATED burn-in"
_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
# Around what is scripted the alert rules are evaluated in every slot; far from it once an hour.
_ALERT_BEFORE, _ALERT_AFTER = timedelta(minutes=10), timedelta(hours=2)
_LATE_BILL = timedelta(minutes=5)
_PLAYED = "SIMULATED: its work was not done."
_QUIET = "SIMULATED: nothing scripted was near, so the rules were evaluated on the hour only."


_Task: TypeAlias = tuple[datetime, Callable[[], object]]


@dataclass(frozen=True, slots=True)
class Played:
    """What a simulation left behind."""

    verdicts: tuple[Verdict, ...]
    checkpoint: Verdict
    review: Verdict
    slots: int
    probes: int


@dataclass(slots=True)
class _Stage:
    """Everything that moves while the clock runs."""

    scenario: Scenario
    platform: ScriptedPlatform
    prober: ScriptedProber
    book: SlotBook
    epoch: int
    tasks: list[_Task] = field(default_factory=list)
    slots: int = 0


def simulate(scenario: Scenario, *, said: Callable[[str], None] = lambda text: None) -> Played:
    """This will play `scenario` from its start to its review in the present database, which must be empty.

    `said` is told how far it has come, once a simulated day.
    """
    stage = _set_up(scenario)
    checkpoint: Verdict | None = None
    now, day = scenario.starts_at, scenario.starts_at.date()
    while now < scenario.review_at:
        now = _next_stop(stage, now)
        # What begins at this very moment is seen after it.
        stage.prober.probe_until(now - _SECOND)
        while stage.tasks and stage.tasks[0][0] <= now:
            stage.tasks.pop(0)[1]()
        _open_slots(stage, now)
        if now == now.replace(minute=0, second=0):
            stage.prober.flush()
            keep_routine(now=now)
        if now == scenario.ends_at:
            checkpoint = _checkpoint(stage, now)
        if now.date() != day:
            day = now.date()
            said(f"{day.isoformat()}: {stage.prober.probes:,} probes, {stage.slots:,} slots")
    stage.prober.flush()
    review = store_verdict(now=now, occasion=Occasion.REVIEW, actor=ACTOR)
    assert checkpoint is not None  # the end is one of the stops
    return Played(
        verdicts=tuple(Verdict.objects.order_by("number")),
        checkpoint=checkpoint,
        review=review,
        slots=stage.slots,
        probes=stage.prober.probes,
    )


def _checkpoint(stage: _Stage, now: datetime) -> Verdict:
    stage.prober.flush()
    taken = take_checkpoint(now=now, actor=ACTOR, notes="SIMULATED.")
    return Verdict.objects.get(pk=taken.verdict_id)


def _set_up(scenario: Scenario) -> _Stage:
    starts_at = scenario.starts_at
    plan = BurnInPlan(NAME, starts_at, scenario.ends_at, scenario.review_at)
    begin_burn_in(plan, now=starts_at, actor=ACTOR)
    advance_burn_in(now=starts_at)
    sync_schedule_rows()
    epoch = take_lease(ACTOR)
    if epoch is None:
        raise RuntimeError("Another beat leads in this database: a simulation needs one of its own.")
    book = SlotBook()
    book.read(read_schedule_rows(), last_slots(starts_at), starts_at)
    platform = ScriptedPlatform(scenario)
    prober = ScriptedProber(platform, watch_script(scenario), now=starts_at)
    stage = _Stage(scenario, platform, prober, book, epoch)
    stage.tasks += [task for event in scenario.events for task in _tasks_of(event, scenario, prober)]
    day = starts_at.date()
    while (at := datetime.combine(day + _DAY, time(), UTC) + _LATE_BILL) < scenario.review_at:
        stage.tasks.append((at, _bill(scenario, day, at)))
        day += _DAY
    hour = starts_at
    while hour < scenario.review_at:
        end = min(hour + _HOUR, scenario.review_at)
        stage.tasks.append((end, _calls(platform, hour, end)))
        hour = end
    stage.tasks.sort(key=lambda task: task[0])
    return stage


def _bill(scenario: Scenario, day: date, at: datetime) -> Callable[[], object]:
    """A day is paid when it is over: the entry of each day comes soon after its end."""

    def write() -> None:
        entry = record_cost_entry(
            day=day,
            service="platform",
            amount=scenario.cost_of(day),
            kind=CostKind.METERED,
            source=ACTOR,
            note="SIMULATED",
        )
        CostEntry.objects.filter(pk=entry.pk).update(created_at=at)

    return write


def _calls(platform: ScriptedPlatform, start: datetime, end: datetime) -> Callable[[], object]:
    """One caller a minute, who meets a 5xx while the intelligence API fails."""

    def write() -> None:
        minutes = []
        at = start.replace(second=0)
        while at < end:
            status = 5 if platform.api_fails(max(at, start)) else 2
            minutes.append(
                ApiCallMinute(
                    at=at,
                    endpoint="status",
                    status_class=status,
                    by_prober=False,
                    calls=1,
                    seconds_sum=0.02,
                    seconds_max=0.02,
                )
            )
            at += _MINUTE
        ApiCallMinute.objects.bulk_create(minutes, ignore_conflicts=True)

    return write


def _tasks_of(event: ScriptedEvent, scenario: Scenario, prober: ScriptedProber) -> list[_Task]:
    at = event.at
    if event.what is EventKind.HEAL:
        return [
            (
                at,
                lambda: write_entry(
                    OpsKind.HEAL,
                    at=at,
                    actor=ACTOR,
                    text=f"SIMULATED: {event.subject} was healed.",
                    subsystem=event.subject,
                ),
            )
        ]
    if event.what is EventKind.MAINTENANCE:
        endpoint = prober.endpoint_named(event.subject)
        terms = WindowTerms(
            "SIMULATED maintenance",
            "planned in the scenario",
            at,
            event.until or scenario.review_at,
            exclude_from_uptime=True,
            endpoints=[endpoint],
        )
        return [(at, lambda: mark_maintenance(terms, actor=ACTOR, now=at))]
    if event.what is not EventKind.INCIDENT:
        return []
    opened: list[Incident] = []
    tasks: list[_Task] = [(at, lambda: opened.append(_open_incident(event)))]
    if event.until:
        until = event.until
        tasks.append(
            (
                until,
                lambda: resolve_incident(incident_id=opened[0].pk, resolved_at=until, actor=ACTOR, now=until),
            )
        )
    return tasks


def _open_incident(event: ScriptedEvent) -> Incident:
    incident = open_incident(
        title=f"SIMULATED {event.subject}",
        severity=Severity(event.subject),
        summary="",
        opened_at=event.at,
        actor=ACTOR,
        now=event.at,
    )
    Incident.objects.filter(pk=incident.pk).update(created_at=event.at)
    return incident


def _next_stop(stage: _Stage, now: datetime) -> datetime:
    """The next instant at which anything but a probe happens."""
    ahead = [_next_hour(now), stage.scenario.review_at, *(at for at, _ in stage.tasks[:1])]
    if now < stage.scenario.ends_at:
        ahead.append(stage.scenario.ends_at)
    due = stage.book.next_due()
    if due is not None:
        ahead.append(due)
    return max(now, min(ahead))


def _next_hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0) + _HOUR


def _open_slots(stage: _Stage, now: datetime) -> None:
    """Beat's turn: open what is due, and play each run."""
    runs = stage.book.due(now)
    if not runs:
        return
    opened = open_slots(runs, holder=ACTOR, epoch=stage.epoch)
    stage.book.dealt_with(now)
    stage.slots += len(opened)
    alerts = [run for run in opened if run.job == "alert_checks"]
    _date([run for run in opened if run.job != "alert_checks"], now, Outcome.OK, _PLAYED)
    if alerts:
        _evaluate(stage, alerts, now)


def _evaluate(stage: _Stage, runs: list[OwedRun], now: datetime) -> None:
    near = any(
        event.at - _ALERT_BEFORE <= now <= (event.until or event.at) + _ALERT_AFTER
        for event in stage.scenario.events
    )
    if not near and now.minute:
        _date(runs, now, Outcome.SKIPPED, _QUIET)
        return
    stage.prober.flush()
    # The lease is by the database's clock: without a renewal beat would seem silent.
    take_lease(ACTOR)
    try:
        evaluation = evaluate_alerts(now=now)
    except UnableToEvaluate as error:
        _date(runs, now, Outcome.ERROR, str(error))
    else:
        _date(runs, now, Outcome.FINDINGS if evaluation.firing else Outcome.OK, evaluation.sentence)


def _date(runs: list[OwedRun], now: datetime, outcome: Outcome, summary: str) -> None:
    """Ends the runs by the simulated clock; the ledger itself goes by the database's."""
    JobRun.objects.filter(pk__in=[run.id for run in runs]).update(
        state=RunState.DONE.value,
        outcome=outcome.value,
        summary=summary[:2000],
        attempt=F("attempt") + 1,
        worker=ACTOR,
        created_at=now,
        published_at=now,
        started_at=now,
        finished_at=now,
    )
