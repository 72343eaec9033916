"""The weekly checkpoint: seven days in figures, the triggers, the blockers, and what the review needs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError

from monitoring.domain.costs import average_per_day, daily_totals
from monitoring.domain.figures import amount_text, iso_z
from monitoring.domain.occasions import Occasion
from monitoring.domain.opslog import OpsKind, streak_of
from monitoring.domain.policy import GateKey
from monitoring.domain.reviews import open_points
from monitoring.domain.verdict_record import Judgement
from monitoring.domain.windows import Window
from monitoring.models import Blocker, BurnIn, Checkpoint
from monitoring.services.costs import entries_between
from monitoring.services.judging import current_burn_in, judge_in_full
from monitoring.services.known import Material
from monitoring.services.ops_log import write_entry
from monitoring.services.outlook import what_if
from monitoring.services.period_figures import count_period
from monitoring.services.verdicts import settled_moment, store_judgement
from tenancy.context import control_transaction

WEEK = timedelta(days=7)


class UnableToTakeCheckpoint(ValueError):
    """There is nothing to take stock of, or it was done; the message says which."""


def take_checkpoint(
    *, now: datetime, actor: str, notes: str = "", scheduled_for: datetime | None = None
) -> Checkpoint:
    """This will store the verdict, the week's figures and the blockers, and note it in the ops log.

    Raises:
        UnableToTakeCheckpoint: without a current burn-in, or when the one that was due is there already.
        UnableToJudge: when the policy asks for a window that does not exist.
    """
    burn_in = current_burn_in()
    if burn_in is None:
        raise UnableToTakeCheckpoint("No burn-in is open. Start one: manage.py burnin start")
    try:
        with control_transaction("checkpoint"):
            return _take(burn_in, now, actor, notes.strip(), scheduled_for)
    except IntegrityError as error:
        if not Checkpoint.objects.filter(burn_in=burn_in, scheduled_for=scheduled_for).exists():
            raise
        raise UnableToTakeCheckpoint(f"The checkpoint due at {scheduled_for} was taken already.") from error


def _take(
    burn_in: BurnIn, now: datetime, actor: str, notes: str, scheduled_for: datetime | None
) -> Checkpoint:
    judgement, material = judge_in_full(now=settled_moment(now))
    stored = store_judgement(judgement, material, occasion=Occasion.CHECKPOINT, now=now, actor=actor)
    checkpoint = Checkpoint.objects.create(
        burn_in=burn_in,
        verdict=stored,
        taken_at=now,
        taken_by=actor[:150],
        scheduled_for=scheduled_for,
        figures=week_figures(judgement, material, now=now),
        notes=notes,
    )
    points = open_points(judgement.verdict)
    Blocker.objects.bulk_create(
        Blocker(checkpoint=checkpoint, subject=point.key, text=f"{point.title}. {point.why}")
        for point in points
    )
    verdict = judgement.verdict
    write_entry(
        OpsKind.CHECKPOINT,
        at=now,
        actor=actor,
        text=f"Checkpoint of {burn_in.name}: {verdict.decision}, {len(points)} points stand open."
        + (f" {notes}" if notes else ""),
        data={"checkpoint": checkpoint.pk, "verdict": stored.number},
    )
    return checkpoint


def week_figures(judgement: Judgement, material: Material, *, now: datetime) -> dict[str, Any]:
    """The past seven days as a checkpoint keeps them; null where nobody looked. Needs the control scope."""
    verdict = judgement.verdict
    window = Window.trailing(verdict.judged_at.astimezone(UTC), WEEK)
    period = count_period(window)
    last = now.astimezone(UTC).date() - timedelta(days=1)
    first = last - timedelta(days=6)
    average = average_per_day(daily_totals(entries_between(first, last), first, last, now))
    readings = {reading.key: reading for reading in verdict.gates}
    outlook = what_if(judgement, material)
    earliest = outlook.earliest
    return {
        "window": {"start": iso_z(window.start), "end": iso_z(window.end)},
        "uptime": readings[GateKey.UPTIME].to_json_dict(),
        "observations": period.counts.total,
        "error_rate_percent": None if period.error_share is None else period.error_share * 100,
        "server_errors": period.server_errors,
        "latency_avg_ms": period.latency_ms,
        "p1_incidents": period.p1_incidents,
        "alerts": period.alerts,
        "heals": period.heals,
        "api_days": streak_of(verdict)[0],
        "api_days_why": streak_of(verdict)[1],
        "cost_average_usd": None if average.mean is None else amount_text(average.mean),
        "cost_days_known": average.known_days,
        "cost_days_unknown": average.unknown_days,
        "readings": [reading.to_json_dict() for reading in verdict.gates],
        "triggers": [trigger.to_json_dict() for trigger in verdict.triggers],
        "decision": verdict.decision.value,
        "conclusive": verdict.conclusive,
        "within": verdict.within,
        "proven": verdict.proven,
        "review": {
            "at": iso_z(judgement.burn_in.review_at) if judgement.burn_in else None,
            "earliest_go": iso_z(earliest.at) if earliest.at else None,
            "needs": [f"{one.subject}: {one.why}" for one in earliest.parts],
            "downtime_left": str(outlook.downtime) if outlook.downtime else None,
        },
    }
