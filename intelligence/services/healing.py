"""Healing: rules propose, brakes decide, the outside is called without a transaction, and all is written down.

An action goes proposed → executing → succeeded or failed; with a person's word through approved. Each change
of its state and the entry of the ops log that tells it are one transaction. The call itself lies between two
of them: a process killed there leaves the action executing, which `give_up_stale` ends as failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from intelligence.clients.programs import UnableToRun, restart_workers, run_command
from intelligence.clients.webhook import post_signed
from intelligence.domain.healing import (
    ActionState,
    Braked,
    HealFacts,
    HealKind,
    HealTrigger,
    Step,
    check_brakes,
)
from intelligence.models import HealRule, IntelAction, IntelEvent
from monitoring.clients import console
from monitoring.domain.opslog import OpsKind
from monitoring.models import AlertEpisode
from monitoring.services.ops_log import write_entry
from monitoring.services.probing import outbound_policy
from tenancy.context import control_transaction

ACTOR = "intelligence"
RESTART_WORKERS = "restart_workers"
# Longer than any call may take.
_STALE_AFTER = timedelta(minutes=10)
_DAY = timedelta(days=1)
_LONGEST = 64


class UnableToApprove(Exception):
    """The action does not wait for approval, or its brakes hold; the message says which."""


@dataclass(frozen=True, slots=True)
class Ailment:
    """What a rule may answer: one anomaly or one alert."""

    trigger: HealTrigger
    tenant_id: UUID
    subsystem: str
    component: str
    severity: str
    cause: str
    series_kind: str = ""
    event_id: UUID | None = None
    alert_id: int | None = None


def ailment_of_event(event: IntelEvent, subsystem: str) -> Ailment:
    """An anomaly as something to heal."""
    return Ailment(
        HealTrigger.ANOMALY,
        event.tenant_id,
        subsystem[:_LONGEST],
        event.component,
        event.severity,
        str(event.details.get("explanation", event.event)),
        series_kind=event.event,
        event_id=event.pk,
    )


def ailment_of_alert(episode: AlertEpisode) -> Ailment:
    """An open alert as something to heal."""
    return Ailment(
        HealTrigger.ALERT,
        episode.tenant_id,
        episode.subject_name[:_LONGEST],
        "",
        episode.severity,
        episode.summary,
        alert_id=episode.pk,
    )


def matching(rules: Iterable[HealRule], ailment: Ailment) -> list[HealRule]:
    """The rules that answer it. P1 is the gravest severity."""
    return [
        rule
        for rule in rules
        if rule.trigger == ailment.trigger.value
        and ailment.severity <= rule.least_severity
        and rule.series_kind in ("", ailment.series_kind)
        and rule.component in ("", ailment.component, ailment.subsystem)
    ]


def propose(ailments: Sequence[Ailment], *, now: datetime) -> list[IntelAction]:
    """This will write a proposed action for each pair of ailment and rule that has none yet.

    Three statements, and one ops log entry for each action, in one transaction of the control plane.
    """
    with control_transaction("healing: propose"):
        rules = list(HealRule.objects.filter(enabled=True).order_by("pk"))
        wanted = [(rule, one) for one in ailments for rule in matching(rules, one)]
        if not wanted:
            return []
        events = {one.event_id for _, one in wanted if one.event_id}
        alerts = {one.alert_id for _, one in wanted if one.alert_id}
        known: set[tuple[Any, Any]] = set(
            IntelAction.objects.filter(event__in=events).values_list("rule", "event")
        )
        known |= set(IntelAction.objects.filter(heals_alert__in=alerts).values_list("rule", "heals_alert"))
        new = [
            _proposal(rule, one, now)
            for rule, one in wanted
            if (rule.pk, one.event_id or one.alert_id) not in known
        ]
        for action in new:
            action.save(force_insert=True)
            _note(action, f"Proposed: {action.action} on {action.subsystem}.", now)
        return new


def _proposal(rule: HealRule, ailment: Ailment, now: datetime) -> IntelAction:
    return IntelAction(
        tenant_id=ailment.tenant_id,
        action=rule.name,
        ts=now,
        subsystem=ailment.subsystem,
        state=ActionState.PROPOSED.value,
        kind=rule.kind,
        rule=rule,
        event_id=ailment.event_id,
        heals_alert=ailment.alert_id,
        cause=ailment.cause,
        destructive=rule.destructive,
        is_dry_run=rule.dry_run,
        dry_run_result={"would": _would(rule, ailment.subsystem)},
        metadata={"subsystem": ailment.subsystem, "cause": ailment.cause, "kind": rule.kind},
    )


def _would(rule: HealRule, subsystem: str) -> str:
    match rule.kind:
        case HealKind.WEBHOOK.value:
            return f"post a signed request about {subsystem} to {rule.target.partition('?')[0]}"
        case HealKind.COMMAND.value:
            argv = settings.HEAL_COMMANDS.get(rule.target)
            return f"run {' '.join(argv)}" if argv else f"fail: HEAL_COMMANDS has no command {rule.target!r}"
        case HealKind.CELERY.value:
            return f"{rule.target or RESTART_WORKERS} on every worker"
        case _:
            return f"write a line about {subsystem} to the log of the worker"


def pursue(actions: Iterable[IntelAction], *, now: datetime) -> list[IntelAction]:
    """This will take each as far as its brakes allow. Needs no open transaction: it calls the outside."""
    return [_pursue(action.pk, now) for action in actions]


def _pursue(action_id: UUID, now: datetime) -> IntelAction:
    action, braked = _begin(action_id, now)
    if braked.step is not Step.GO:
        return action
    try:
        ok, told = _act(action, now)
    except UnableToRun as error:
        ok, told = False, str(error)
    return _end(action_id, ok=ok, told=told, now=now)


def _begin(action_id: UUID, now: datetime) -> tuple[IntelAction, Braked]:
    """Check the brakes and take the subsystem, in one transaction under the subsystem's lock."""
    with control_transaction("healing: begin"):
        action = IntelAction.objects.select_for_update().get(pk=action_id)
        if action.state not in (ActionState.PROPOSED.value, ActionState.APPROVED.value):
            return action, Braked(Step.WAIT, f"It is {action.state} already.")
        _lock(action.subsystem)
        braked = check_brakes(_facts(action, now), now)
        action.why = braked.why
        if braked.step is Step.GO:
            action.state, action.began_at = ActionState.EXECUTING.value, now
            _log_beginning(action, now)
        elif braked.step is Step.SKIP:
            action.state, action.ended_at = ActionState.SKIPPED.value, now
            _note(action, f"Skipped: {action.action} on {action.subsystem}. {braked.why}", now)
        action.metadata = {**action.metadata, "state": action.state, "why": action.why}
        action.save()
        return action, braked


def _lock(subsystem: str) -> None:
    """Two cycles at once decide about one subsystem one after the other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('heal:' || %s, 0))", [subsystem])


def _facts(action: IntelAction, now: datetime) -> HealFacts:
    others = IntelAction.objects.filter(subsystem=action.subsystem).exclude(pk=action.pk)
    # A dry run does nothing to the subsystem, so it neither cools down nor counts for what does.
    acted = others.filter(began_at__gt=now - _DAY, is_dry_run=action.is_dry_run)
    return HealFacts(
        destructive=action.destructive and not action.is_dry_run,
        approved=action.state == ActionState.APPROVED.value,
        dry_run=action.is_dry_run,
        autorecover=settings.INCIDENT_AUTORECOVER,
        stabilise=settings.STABILIZE_MODE,
        acted_at=tuple(at for at in acted.values_list("began_at", flat=True) if at is not None),
        running=others.filter(state=ActionState.EXECUTING.value).exists(),
    )


def _log_beginning(action: IntelAction, now: datetime) -> None:
    """What really touches the subsystem is a heal, which the judge counts; dry runs and notices are not."""
    touches = not action.is_dry_run and action.kind != HealKind.NOTIFY.value
    what = "Healing" if touches else ("Dry run" if action.is_dry_run else "Notice")
    text = f"{what}: {action.action} on {action.subsystem}. Cause: {action.cause}"
    _note(action, text, now, kind=OpsKind.HEAL if touches else OpsKind.NOTE)


def _note(action: IntelAction, text: str, now: datetime, *, kind: OpsKind = OpsKind.NOTE) -> None:
    data = {
        "action": str(action.pk),
        "state": action.state,
        "kind": action.kind,
        "dry_run": action.is_dry_run,
    }
    actor = action.approved_by or ACTOR
    write_entry(kind, at=now, actor=actor, text=text, subsystem=action.subsystem, data=data)


def note_verification(action: IntelAction, now: datetime) -> None:
    """This will tell the ops log whether an action helped."""
    _note(action, f"Checked {action.action} on {action.subsystem}: {action.verification}", now)


def _act(action: IntelAction, now: datetime) -> tuple[bool, str]:
    """Call the outside. Nothing is open meanwhile."""
    rule = action.rule
    if rule is None:
        raise UnableToRun("The action has no rule that says what to do.")
    if action.kind == HealKind.WEBHOOK.value:
        payload = {
            "id": str(action.pk),
            "action": action.action,
            "subsystem": action.subsystem,
            "cause": action.cause,
            "dry_run": action.is_dry_run,
        }
        answer = post_signed(
            rule.target,
            payload,
            call_id=str(action.pk),
            secret=settings.HEAL_WEBHOOK_SECRET,
            now=now,
            policy=outbound_policy(),
        )
        return answer.ok, answer.told
    if action.kind == HealKind.NOTIFY.value:
        return True, console.write(line=f"{action.action}: {action.subsystem}", body=action.cause).text
    if action.is_dry_run:
        return True, f"Dry run: it would {action.dry_run_result.get('would', 'act')}."
    if action.kind == HealKind.COMMAND.value:
        return True, run_command(rule.target, settings.HEAL_COMMANDS)
    if rule.target not in ("", RESTART_WORKERS):
        raise UnableToRun(f"There is no task {rule.target!r}; the only one is {RESTART_WORKERS}.")
    return True, restart_workers()


def _end(action_id: UUID, *, ok: bool, told: str, now: datetime) -> IntelAction:
    with control_transaction("healing: end"):
        action = IntelAction.objects.select_for_update(of=("self",)).select_related("rule").get(pk=action_id)
        if action.state != ActionState.EXECUTING.value:
            return action
        action.state = (ActionState.SUCCEEDED if ok else ActionState.FAILED).value
        action.ended_at, action.why = now, told
        if action.is_dry_run:
            action.dry_run_result = {**action.dry_run_result, "ok": ok, "told": told}
        if ok and action.rule is not None:
            action.verify_at = now + timedelta(minutes=action.rule.verify_after_minutes)
        action.metadata = {**action.metadata, "state": action.state, "why": told}
        action.save()
        _note(action, f"{action.action} on {action.subsystem} {action.state}: {told}", now)
        return action


def approve(action_id: UUID, *, by: str, now: datetime) -> None:
    """This will put a proposed action into approved, and note who said so; the next cycle carries it out.

    Needs the control plane's scope.

    Raises:
        UnableToApprove: when it does not wait for approval.
    """
    with transaction.atomic():
        action = IntelAction.objects.select_for_update().get(pk=action_id)
        if action.state != ActionState.PROPOSED.value:
            raise UnableToApprove(f"{action.action} is {action.state or 'a record'}, not proposed.")
        action.state, action.approved_by = ActionState.APPROVED.value, by[:150]
        action.metadata = {**action.metadata, "state": action.state, "approved_by": action.approved_by}
        action.save()
        _note(action, f"Approved by {by}: {action.action} on {action.subsystem}.", now)


def decline(action_id: UUID, *, by: str, now: datetime) -> None:
    """This will end a proposed action as skipped, and note who said so. Needs the control plane's scope.

    Raises:
        UnableToApprove: when it does not wait for approval.
    """
    with transaction.atomic():
        action = IntelAction.objects.select_for_update().get(pk=action_id)
        if action.state != ActionState.PROPOSED.value:
            raise UnableToApprove(f"{action.action} is {action.state or 'a record'}, not proposed.")
        action.state, action.why, action.ended_at = ActionState.SKIPPED.value, f"Declined by {by}.", now
        action.metadata = {**action.metadata, "state": action.state, "why": action.why}
        action.save()
        _note(action, f"Declined by {by}: {action.action} on {action.subsystem}.", now)


def waiting_actions() -> list[IntelAction]:
    """Approved actions, and proposed ones whose brakes may have been released. One query; needs a scope."""
    states = (ActionState.APPROVED.value, ActionState.PROPOSED.value)
    return list(IntelAction.objects.filter(state__in=states).order_by("ts", "pk"))


def give_up_stale(now: datetime) -> int:
    """This will end as failed what began long ago and never ended, and return how many those were."""
    with control_transaction("healing: stale"):
        stale = list(
            IntelAction.objects.select_for_update().filter(
                state=ActionState.EXECUTING.value, began_at__lt=now - _STALE_AFTER
            )
        )
        for action in stale:
            action.state, action.ended_at = ActionState.FAILED.value, now
            action.why = "It never ended: the process that carried it out was lost. What it did is not known."
            action.metadata = {**action.metadata, "state": action.state, "why": action.why}
            action.save()
            _note(action, f"{action.action} on {action.subsystem} failed: {action.why}", now)
        return len(stale)
