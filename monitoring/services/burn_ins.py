"""The life of a burn-in: planned, running, extended, reviewed. Each change is a row, so the past stays as it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from monitoring.domain.burnin import BurnInState
from monitoring.domain.occasions import OPENING, BurnInChangeKind
from monitoring.domain.policy import Policy
from monitoring.domain.verdict_record import BurnInSeen
from monitoring.models import BurnIn, BurnInChange, GatePolicy

DEFAULT_EXTENSION = timedelta(days=7)


class UnableToChangeBurnIn(ValueError):
    """A burn-in cannot be what was asked for; the message says why and what would do."""


@dataclass(frozen=True, slots=True)
class BurnInPlan:
    """When a burn-in is to begin, end and be reviewed."""

    name: str
    starts_at: datetime
    ends_at: datetime
    review_at: datetime

    def __post_init__(self) -> None:
        if not self.name or len(self.name) > 100:
            raise UnableToChangeBurnIn("A burn-in needs a name of 1 to 100 characters.")
        if not self.starts_at < self.ends_at <= self.review_at:
            raise UnableToChangeBurnIn(
                f"A burn-in starts, ends, and is then reviewed; given were {self.starts_at:%Y-%m-%d %H:%M},"
                f" {self.ends_at:%Y-%m-%d %H:%M} and {self.review_at:%Y-%m-%d %H:%M} UTC."
            )


@dataclass(frozen=True, slots=True)
class BurnInThen:
    """The current burn-in as it stood at a moment, with the policy that was in force for it."""

    seen: BurnInSeen
    policy: GatePolicy


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
def begin_burn_in(plan: BurnInPlan, *, now: datetime, actor: str) -> BurnIn:
    """This will make the planned burn-in and make it the current one; it is running once it has begun.

    Raises:
        UnableToChangeBurnIn: when there is one of that name.
    """
    if BurnIn.objects.filter(name=plan.name).exists():
        raise UnableToChangeBurnIn(f"There is a burn-in named {plan.name!r} already. Choose another name.")
    begun = plan.starts_at <= now
    BurnIn.objects.current().update(is_current=False)
    burn_in = BurnIn.objects.create(
        name=plan.name,
        starts_at=plan.starts_at,
        ends_at=plan.ends_at,
        review_at=plan.review_at,
        policy=ensure_policy(actor=actor),
        state=(BurnInState.RUNNING if begun else BurnInState.PLANNED).value,
    )
    kind = BurnInChangeKind.STARTED if begun else BurnInChangeKind.PLANNED
    _note(burn_in, kind, now=now, actor=actor)
    return burn_in


@transaction.atomic
def advance_burn_in(*, now: datetime) -> BurnIn | None:
    """This will turn the current burn-in from planned to running once its start has come. Idempotent."""
    claimed = BurnIn.objects.current().filter(state=BurnInState.PLANNED.value, starts_at__lte=now)
    burn_in = claimed.select_for_update().first()
    if burn_in is not None:
        burn_in.state = BurnInState.RUNNING.value
        burn_in.save(update_fields=["state"])
        _note(burn_in, BurnInChangeKind.STARTED, now=now, actor="schedule")
    return burn_in


@transaction.atomic
def extend_burn_in(
    *,
    now: datetime,
    actor: str,
    by: timedelta = DEFAULT_EXTENSION,
    review_at: datetime | None = None,
    note: str = "",
) -> BurnIn:
    """This will put off the end of the current burn-in, and its review (`review_at`, else by as much).

    Raises:
        UnableToChangeBurnIn: without a current one, or when the new dates do not follow one another.
    """
    burn_in = _locked()
    if by <= timedelta(0):
        raise UnableToChangeBurnIn("A burn-in is extended by at least a day, never shortened.")
    ends_at = burn_in.ends_at + by
    wanted = review_at or burn_in.review_at + by
    if wanted < ends_at or wanted < now:
        raise UnableToChangeBurnIn(
            f"The next review ({wanted:%Y-%m-%d %H:%M} UTC) must come after now and after the new end"
            f" ({ends_at:%Y-%m-%d %H:%M} UTC)."
        )
    burn_in.ends_at, burn_in.review_at = ends_at, wanted
    burn_in.state, burn_in.outcome = BurnInState.EXTENDED.value, ""
    burn_in.save(update_fields=["ends_at", "review_at", "state", "outcome"])
    _note(burn_in, BurnInChangeKind.EXTENDED, now=now, actor=actor, note=note)
    return burn_in


@transaction.atomic
def use_policy(policy: GatePolicy, *, now: datetime, actor: str) -> BurnIn:
    """This will judge the current burn-in by `policy` from now on.

    Raises:
        UnableToChangeBurnIn: without a current burn-in.
    """
    burn_in = _locked()
    if burn_in.policy_id != policy.pk:
        burn_in.policy = policy
        burn_in.save(update_fields=["policy"])
        _note(burn_in, BurnInChangeKind.POLICY, now=now, actor=actor, note=f"policy {policy.version}")
    return burn_in


@transaction.atomic
def close_burn_in(*, now: datetime, actor: str, outcome: str, note: str = "") -> BurnIn:
    """This will mark the current burn-in as reviewed, with its outcome (GO or NO-GO).

    Raises:
        UnableToChangeBurnIn: without a current burn-in.
    """
    burn_in = _locked()
    burn_in.state, burn_in.outcome = BurnInState.REVIEWED.value, outcome
    burn_in.save(update_fields=["state", "outcome"])
    _note(burn_in, BurnInChangeKind.REVIEWED, now=now, actor=actor, note=note)
    return burn_in


def _locked() -> BurnIn:
    burn_in = BurnIn.objects.current().select_for_update().first()
    if burn_in is None:
        raise UnableToChangeBurnIn("No burn-in is open. Start one: manage.py burnin start")
    return burn_in


def _note(burn_in: BurnIn, kind: BurnInChangeKind, *, now: datetime, actor: str, note: str = "") -> None:
    BurnInChange.objects.create(
        burn_in=burn_in,
        at=now,
        kind=kind.value,
        actor=actor[:150],
        note=note,
        starts_at=burn_in.starts_at,
        ends_at=burn_in.ends_at,
        review_at=burn_in.review_at,
        policy_id=burn_in.policy_id,
        state=burn_in.state,
    )


def current_burn_in() -> BurnIn | None:
    """The burn-in the board is about, if any. One query."""
    return BurnIn.objects.current().select_related("policy").first()


def burn_in_then(at: datetime) -> BurnInThen | None:
    """The burn-in that was current at `at`, as it stood then; before the first one, that one. Two queries.

    A plan made later than it begins (dates given by hand) holds from the beginning it names.
    """
    opening = BurnInChange.objects.filter(kind__in=[kind.value for kind in OPENING])
    begun = opening.filter(Q(at__lte=at) | Q(starts_at__lte=at)).order_by("-at", "-id").first()
    opened = begun or opening.order_by("at", "id").first()
    if opened is None:
        row = current_burn_in()
        return BurnInThen(_seen(row, row), row.policy) if row else None
    rows = BurnInChange.objects.filter(burn_in_id=opened.burn_in_id).select_related("burn_in", "policy")
    change = rows.filter(at__lte=at).order_by("-at", "-id").first() or rows.order_by("at", "id").first()
    return BurnInThen(_seen(change.burn_in, change), change.policy) if change else None


def _seen(burn_in: BurnIn, dates: BurnIn | BurnInChange) -> BurnInSeen:
    return BurnInSeen(burn_in.name, dates.starts_at, dates.ends_at, dates.review_at, dates.state)
