"""Evaluates the SLOs: what was measured in, stored evaluations, incidents and proposals out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction

from monitoring.domain.figures import counted
from monitoring.domain.observing import Severity
from monitoring.domain.slo import EVALUATION_S, SloStanding
from monitoring.domain.slo_reading import BREACHES_TO_ACT, SloPast, SloReading, read_slo
from monitoring.models import Incident, RecoveryProposal, Slo, SloEvaluation
from monitoring.services.incidents import open_incident, update_incident
from monitoring.services.slo_conditions import SloCondition, provide_slo_conditions
from monitoring.services.slo_material import gather
from tenancy.context import control_transaction

EVALUATIONS_KEPT = timedelta(days=90)
RECOVERY_COOL_DOWN = timedelta(minutes=30)
ACTOR = "SLO monitoring"
# Two evaluations at once would count one breach twice.
_LOCK = "SELECT pg_advisory_xact_lock(1936485221)"


@dataclass(frozen=True, slots=True)
class SloLine:
    """One SLO and how it stands."""

    slo: Slo
    reading: SloReading
    past: SloPast


@dataclass(slots=True)
class SloRound:
    """What one evaluation of all SLOs brought."""

    at: datetime
    lines: Sequence[SloLine]
    incidents: list[Incident] = field(default_factory=list)
    proposals: list[RecoveryProposal] = field(default_factory=list)

    @property
    def broken(self) -> list[SloLine]:
        """Those that burn too fast, are spent, or of which nothing is known."""
        return [line for line in self.lines if needs_attention(line.reading)]

    @property
    def sentence(self) -> str:
        """One sentence for the log."""
        text = f"{counted(len(self.lines), 'SLO')} evaluated"
        if self.broken:
            text += "; not well: " + ", ".join(
                f"{line.slo.name} ({line.reading.standing.value.replace('_', ' ')})" for line in self.broken
            )
        text += f"; {counted(len(self.incidents), 'incident')} opened" if self.incidents else ""
        return text + (f"; {counted(len(self.proposals), 'proposal')} to recover." if self.proposals else ".")


def needs_attention(reading: SloReading) -> bool:
    """Whether somebody should look."""
    burns = reading.burn is not None and reading.burn.excess > 1
    return burns or reading.no_data or reading.standing in (SloStanding.EXHAUSTED, SloStanding.NO_DATA)


def read_slos(*, now: datetime) -> list[SloLine]:
    """How every SLO in force stands at `now`. Writes nothing; a constant number of queries.

    Needs the control plane's scope.
    """
    gathered = gather(now=now)
    newest = {row.slo_id: row for row in SloEvaluation.objects.filter(at__lte=now).newest_of_each()}
    lines = []
    for slo in gathered.slos:
        past = _past(newest.get(slo.pk), now)
        lines.append(SloLine(slo, read_slo(slo.terms, gathered.material[slo.pk], past), past))
    return lines


def _past(row: SloEvaluation | None, now: datetime) -> SloPast:
    if row is None:
        return SloPast()
    age_s = (now - row.at).total_seconds()
    # What lies further back than two missed evaluations is not "in a row".
    breaches = row.breaches if age_s < 3 * EVALUATION_S else 0
    return SloPast(SloStanding(row.standing), breaches, counts_again=age_s >= EVALUATION_S / 2)


def evaluate_slos(*, now: datetime) -> SloRound:
    """This will evaluate every SLO and store how each stands; the third breach in a row opens an incident
    and proposes recovery, again after 30 minutes while it goes on. All in one transaction."""
    with control_transaction("SLOs"):
        with connection.cursor() as cursor:
            cursor.execute(_LOCK)
        lines = read_slos(now=now)
        SloEvaluation.objects.bulk_create([_row(line, now) for line in lines], ignore_conflicts=True)
        result = SloRound(now, lines)
        for line in lines:
            if line.reading.breaches >= BREACHES_TO_ACT:
                _act(line, result)
            elif line.past.breaches >= BREACHES_TO_ACT and line.reading.breach is False:
                _note_recovery(line, now)
        return result


def _row(line: SloLine, now: datetime) -> SloEvaluation:
    reading = line.reading
    return SloEvaluation(
        slo=line.slo,
        at=now,
        objective=line.slo.objective,
        starts_at=reading.window.start,
        ends_at=reading.window.end,
        sli=reading.sli,
        budget_s=reading.budget.budget_s if reading.budget else None,
        remaining_s=reading.budget.remaining_s if reading.budget else None,
        coverage=reading.coverage,
        standing=reading.standing.value,
        rates={str(int(length.total_seconds())): rate for length, rate in reading.rates.items()},
        burn=reading.burn.excess if reading.burn else None,
        no_data=reading.no_data,
        silence_s=reading.silence_s,
        breach=reading.breach,
        breaches=reading.breaches,
        samples=reading.samples,
        sentence=reading.sentence,
    )


def _act(line: SloLine, result: SloRound) -> None:
    """Open an incident unless one is open, and propose recovery unless that was done lately."""
    slo, now = line.slo, result.at
    incident = Incident.objects.filter(slo=slo, resolved_at__isnull=True).first()
    if incident is None:
        burns = line.reading.burn is not None and line.reading.burn.pair.page and line.reading.burn.excess > 1
        incident = open_incident(
            title=f"SLO {slo} is missed",
            # Never P1 by itself: a P1 is an outage that was measured, or what a person says is one.
            severity=Severity.P2 if burns else Severity.P3,
            summary=f"{BREACHES_TO_ACT} evaluations in a row missed the objective. {line.reading.sentence}",
            opened_at=now - timedelta(seconds=BREACHES_TO_ACT * EVALUATION_S),
            actor=ACTOR,
            now=now,
            slo=slo,
        )
        result.incidents.append(incident)
    if not slo.recovers:
        return
    since = now - RECOVERY_COOL_DOWN
    if RecoveryProposal.objects.filter(slo=slo, proposed_at__gt=since).exists():
        return
    proposal = RecoveryProposal.objects.create(
        slo=slo, incident=incident, subsystem=slo.recovers, reason=line.reading.sentence, proposed_at=now
    )
    result.proposals.append(proposal)
    update_incident(incident_id=incident.pk, text=f"Proposed: recover {slo.recovers}.", actor=ACTOR, now=now)


def _note_recovery(line: SloLine, now: datetime) -> None:
    incident = Incident.objects.filter(slo=line.slo, resolved_at__isnull=True).first()
    if incident is not None:
        text = f"The objective was met again over the last five minutes. {line.reading.sentence}"
        update_incident(incident_id=incident.pk, text=text, actor=ACTOR, now=now)


def forget_evaluations(*, before: datetime) -> int:
    """This will delete the evaluations of before `before`; how many."""
    with transaction.atomic():
        return SloEvaluation.objects.filter(at__lt=before).delete()[0]


@provide_slo_conditions
def alert_conditions(now: datetime) -> list[SloCondition]:
    """How the SLOs stand, as the alert rules ask: measured anew, so that no alert waits for job 2."""
    return [
        SloCondition(
            subject=f"slo:{line.slo.pk}",
            name=line.slo.name,
            burn=line.reading.burn.excess if line.reading.burn else None,
            no_data=line.reading.no_data,
            sentence=_alert_sentence(line),
        )
        for line in read_slos(now=now)
    ]


def _alert_sentence(line: SloLine) -> str:
    burn = line.reading.burn
    if burn is None or burn.excess <= 1:
        return line.reading.sentence
    return f"{line.reading.sentence} It burns {burn.rate:.3g} times as fast as it may."
