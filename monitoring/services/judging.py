"""Judges: evidence and policy in, verdict out."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

import rfc8785

from monitoring.domain.evidence import UnableToJudge
from monitoring.domain.gates import evaluate
from monitoring.domain.policy import Policy, WindowKind
from monitoring.domain.verdict_record import BurnInSeen, Judgement, OtherWindow
from monitoring.domain.verdicts import Verdict
from monitoring.domain.windows import Window
from monitoring.models import BurnIn, GatePolicy
from monitoring.services.burn_ins import (
    BurnInPlan,
    begin_burn_in,
    burn_in_then,
    current_burn_in,
    ensure_policy,
)
from monitoring.services.evidence import evidence_from, gather_evidence, material_for
from monitoring.services.known import Knowledge, Material
from tenancy.context import control_transaction

__all__ = ["NO_POLICY", "current_burn_in", "ensure_policy", "judge", "judge_in_full", "open_burn_in"]

NO_POLICY = Policy(
    uptime=None,
    error_rate=None,
    p1_incidents=None,
    intelligence_api_days=None,
    daily_cost=None,
    triggers=None,
)


def in_force(at: datetime) -> tuple[BurnInSeen | None, Policy]:
    """The burn-in and the policy at `at`: the burn-in's own policy, else the newest that there was by then.

    Before the first policy that one is taken; without any, one that nothing can pass. Three queries at most.
    """
    then = burn_in_then(at)
    if then is not None:
        return then.seen, Policy.from_dict(then.policy.criteria)
    row = GatePolicy.objects.filter(created_at__lte=at).order_by("-version").first()
    row = row or GatePolicy.objects.order_by("version").first()
    return None, Policy.from_dict(row.criteria) if row else NO_POLICY


def window_for(kind: WindowKind, policy: Policy, burn_in: BurnInSeen | None, now: datetime) -> Window | None:
    """The window of `kind` at `now`; None when it is a burn-in's own and there is none."""
    if kind is WindowKind.TRAILING:
        return Window.trailing(now, timedelta(days=policy.window.days))
    return Window(burn_in.starts_at, burn_in.ends_at) if burn_in else None


def judge(*, now: datetime, policy: Policy | None = None) -> Verdict:
    """This will judge the platform at `now`, from stored rows only. A constant number of queries.

    `policy` stands in for the one in force, for "what if".

    Raises:
        UnableToJudge: when the policy asks for a window that does not exist.
    """
    burn_in, ruling = in_force(now)
    ruling = policy or ruling
    window = _deciding_window(ruling, burn_in, now)
    return evaluate(gather_evidence(now=now, window=window, policy=ruling), ruling)


def judge_in_full(
    *,
    now: datetime,
    knowledge: Knowledge | None = None,
    policy: Policy | None = None,
    before_the_first: bool = False,
) -> tuple[Judgement, Material]:
    """The same with all that it came from, over both windows. Needs no scope.

    `before_the_first`: as when there was neither policy nor burn-in yet.

    Raises:
        UnableToJudge: when the policy asks for a window that does not exist.
    """
    burn_in, ruling = (None, NO_POLICY) if before_the_first else in_force(now)
    ruling = policy or ruling
    window = _deciding_window(ruling, burn_in, now)
    with control_transaction("judge"):
        material = material_for(now=now, window=window, policy=ruling, knowledge=knowledge)
        evidence = evidence_from(material, now=now, window=window, policy=ruling)
        other = _other_window(ruling, burn_in, now, knowledge)
    verdict = evaluate(evidence, ruling)
    return Judgement(verdict, evidence, ruling, burn_in, other), material


def _deciding_window(policy: Policy, burn_in: BurnInSeen | None, now: datetime) -> Window:
    window = window_for(policy.window.kind, policy, burn_in, now)
    if window is None:
        raise UnableToJudge("The policy judges a burn-in's own window, but no burn-in is open.")
    return window


def _other_window(
    policy: Policy, burn_in: BurnInSeen | None, now: datetime, knowledge: Knowledge | None
) -> OtherWindow | None:
    kind = WindowKind.BURN_IN if policy.window.kind is WindowKind.TRAILING else WindowKind.TRAILING
    window = window_for(kind, policy, burn_in, now)
    if window is None:
        return None
    other = replace(policy, window=replace(policy.window, kind=kind))
    evidence = gather_evidence(now=now, window=window, policy=other, knowledge=knowledge)
    return OtherWindow(kind, evaluate(evidence, other))


def verdict_hash(verdict: Verdict) -> str:
    """SHA-256 over the verdict as canonical JSON (RFC 8785), as 64 hex digits."""
    return hashlib.sha256(rfc8785.dumps(verdict.to_record_dict())).hexdigest()


def open_burn_in(
    *,
    name: str,
    starts_at: datetime,
    days: int,
    review_after: timedelta,
    actor: str,
    now: datetime | None = None,
) -> BurnIn:
    """This will open a burn-in that begins at `starts_at`, decided at `now` (else then), and make it current."""
    ends_at = starts_at + timedelta(days=days)
    plan = BurnInPlan(name, starts_at, ends_at, ends_at + review_after)
    return begin_burn_in(plan, now=now or starts_at, actor=actor)
