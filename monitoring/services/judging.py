"""Judges: evidence and policy in, verdict out."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import rfc8785
from django.db import transaction

from monitoring.domain.burnin import BurnInState
from monitoring.domain.evidence import UnableToJudge
from monitoring.domain.gates import evaluate
from monitoring.domain.policy import Policy, WindowKind
from monitoring.domain.verdicts import Verdict
from monitoring.domain.windows import Window
from monitoring.models import BurnIn, GatePolicy
from monitoring.services.evidence import gather_evidence

NO_POLICY = Policy(
    uptime=None,
    error_rate=None,
    p1_incidents=None,
    intelligence_api_days=None,
    daily_cost=None,
    triggers=None,
)


def current_burn_in() -> BurnIn | None:
    """The burn-in the board is about, if any. One query."""
    return BurnIn.objects.current().select_related("policy").first()


def policy_in_force(burn_in: BurnIn | None) -> Policy:
    """The policy of the burn-in, else the newest; without any, one that nothing can pass."""
    row = burn_in.policy if burn_in else GatePolicy.objects.order_by("-version").first()
    return Policy.from_dict(row.criteria) if row else NO_POLICY


def judge(*, now: datetime) -> Verdict:
    """This will judge the platform at `now`, from stored rows only. A constant number of queries.

    Raises:
        UnableToJudge: when the policy asks for a window that does not exist.
    """
    burn_in = current_burn_in()
    policy = policy_in_force(burn_in)
    window = Window.trailing(now, timedelta(days=policy.window.days))
    if policy.window.kind is WindowKind.BURN_IN:
        if burn_in is None:
            raise UnableToJudge("The policy judges a burn-in's own window, but no burn-in is open.")
        window = Window(burn_in.starts_at, burn_in.ends_at)
    return evaluate(gather_evidence(now=now, window=window, policy=policy), policy)


def verdict_hash(verdict: Verdict) -> str:
    """SHA-256 over the verdict as canonical JSON (RFC 8785), as 64 hex digits."""
    return hashlib.sha256(rfc8785.dumps(verdict.to_record_dict())).hexdigest()


@transaction.atomic
def ensure_policy(*, actor: str) -> GatePolicy:
    """This will store the default criteria as version 1 unless there is a policy already."""
    newest = GatePolicy.objects.order_by("-version").first()
    if newest is not None:
        return newest
    return GatePolicy.objects.create(
        version=1, criteria=Policy().to_dict(), note="The seed's five criteria.", created_by=actor
    )


@transaction.atomic
def open_burn_in(*, name: str, starts_at: datetime, days: int, review_after: timedelta, actor: str) -> BurnIn:
    """This will open a burn-in and make it the current one."""
    BurnIn.objects.current().update(is_current=False)
    ends_at = starts_at + timedelta(days=days)
    return BurnIn.objects.create(
        name=name,
        starts_at=starts_at,
        ends_at=ends_at,
        review_at=ends_at + review_after,
        policy=ensure_policy(actor=actor),
        state=BurnInState.RUNNING.value,
    )
