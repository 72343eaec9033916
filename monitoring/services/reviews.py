"""Signs Go/No-Go reviews: the person's decision beside the computed verdict, both kept for good."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import rfc8785
from django.contrib.auth.models import User

from monitoring.domain.evidence import UnableToJudge
from monitoring.domain.occasions import Occasion
from monitoring.domain.opslog import OpsKind
from monitoring.domain.reviews import Fault, OpenPoint, ReviewDraft, faults_of, open_points
from monitoring.domain.verdicts import Decision, Verdict
from monitoring.models import Blocker, BurnIn, Review, Waiver
from monitoring.services.burn_ins import UnableToChangeBurnIn, close_burn_in, extend_burn_in
from monitoring.services.judging import judge, judge_in_full
from monitoring.services.ops_log import write_entry
from monitoring.services.verdicts import settled_moment, store_judgement
from tenancy.context import control_transaction

SIGN_REVIEW = "monitoring.sign_review"


class UnableToSign(ValueError):
    """The review cannot be signed; `faults` say, by field, what would mend it."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(" ".join(fault.text for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class ReviewSheet:
    """What a reviewer looks at before signing. `seal` stands for what the verdict said when it was shown."""

    at: datetime
    burn_in: BurnIn | None
    verdict: Verdict
    points: tuple[OpenPoint, ...]
    newest: Review | None
    seal: str


def gather_review_sheet(*, now: datetime) -> ReviewSheet:
    """The verdict of this moment, what stands open, and the newest review of the current burn-in."""
    with control_transaction("review"):
        burn_in = BurnIn.objects.current().select_related("policy").first()
        verdict = judge(now=now)
        newest = _newest(burn_in) if burn_in else None
        return ReviewSheet(now, burn_in, verdict, open_points(verdict), newest, seal_of(verdict))


def seal_of(verdict: Verdict) -> str:
    """A short text that changes when the decision, a standing or a trigger does; figures may move."""
    said = [
        verdict.decision.value,
        verdict.conclusive,
        verdict.policy_version,
        [[reading.key.value, reading.standing.value] for reading in verdict.gates],
        [[one.key.value, one.fired, one.observed] for one in verdict.triggers],
    ]
    return hashlib.sha256(rfc8785.dumps(said)).hexdigest()[:16]


def may_sign(user: User | None) -> bool:
    """Whether `user` is there, active, and has the right to sign."""
    return user is not None and user.is_active and user.has_perm(SIGN_REVIEW)


def sign_review(
    draft: ReviewDraft,
    *,
    signer: User,
    second: User | None,
    now: datetime,
    through: str,
    seal: str = "",
) -> Review:
    """This will store the verdict and the signed decision about it, and close or extend the burn-in, together.

    Who the two people are must have been established by the caller. With `seal` the verdict must still say
    what it said when it was shown.

    Raises:
        UnableToSign: when something is missing or somebody may not; nothing is stored then.
    """
    if not may_sign(signer):
        raise UnableToSign(Fault("signer", f"{signer} does not have the right {SIGN_REVIEW}."))
    if second is not None and not may_sign(second):
        raise UnableToSign(Fault("second_person", f"{second} does not have the right {SIGN_REVIEW}."))
    try:
        with control_transaction("sign review"):
            return _sign(draft, signer, second, now, through, seal)
    except UnableToChangeBurnIn as error:
        raise UnableToSign(Fault("next_review_at", str(error))) from error
    except UnableToJudge as error:
        raise UnableToSign(Fault("decision", str(error))) from error


def _sign(
    draft: ReviewDraft, signer: User, second: User | None, now: datetime, through: str, seal: str
) -> Review:
    # The lock lets one review after the other be signed.
    burn_in = BurnIn.objects.current().select_for_update().first()
    if burn_in is None:
        raise UnableToSign(Fault("decision", "No burn-in is open. Start one: manage.py burnin start"))
    judgement, material = judge_in_full(now=settled_moment(now))
    if seal and seal != seal_of(judgement.verdict):
        raise UnableToSign(
            Fault("decision", "The verdict has changed since it was shown. Read it again, then sign.")
        )
    second_name = second.get_username() if second else ""
    points = open_points(judgement.verdict)
    faults = faults_of(draft, points=points, signer=signer.get_username(), second_person=second_name, now=now)
    if faults:
        raise UnableToSign(*faults)
    stored = store_judgement(
        judgement, material, occasion=Occasion.REVIEW, now=now, actor=signer.get_username()
    )
    no_go = draft.decision is Decision.NO_GO
    review = Review.objects.create(
        burn_in=burn_in,
        verdict=stored,
        decision=draft.decision.value,
        signed_at=now,
        signed_by=signer.get_username(),
        signed_through=through,
        note=draft.note.strip(),
        supersedes=_newest(burn_in),
        plan=draft.plan.strip(),
        plan_owner=draft.plan_owner.strip(),
        plan_due_date=draft.plan_due,
        extension_days=draft.extension_days if no_go else None,
        next_review_at=_next_review(burn_in, draft) if no_go else None,
    )
    _keep_terms(review, draft, second_name)
    _follow(review, draft, now)
    _note(review, draft, second_name)
    return review


def _newest(burn_in: BurnIn) -> Review | None:
    return burn_in.reviews.filter(superseded_by__isnull=True).first()


def _next_review(burn_in: BurnIn, draft: ReviewDraft) -> datetime:
    return draft.next_review_at or burn_in.review_at + timedelta(days=draft.extension_days)


def _keep_terms(review: Review, draft: ReviewDraft, second_name: str) -> None:
    Blocker.objects.bulk_create(
        Blocker(review=review, subject=one.subject.strip()[:64], text=one.text.strip())
        for one in draft.blockers
    )
    Waiver.objects.bulk_create(
        Waiver(
            review=review,
            subject=one.subject,
            reason=one.reason.strip(),
            expires_at=one.expires_at,
            signed_by=review.signed_by,
            second_person=second_name,
        )
        for one in draft.waivers
    )


def _follow(review: Review, draft: ReviewDraft, now: datetime) -> None:
    """GO closes the burn-in; NO-GO extends it."""
    actor, note = review.signed_by, f"review {review.pk}"
    close_burn_in(now=now, actor=actor, outcome=review.decision, note=note)
    if draft.decision is Decision.NO_GO:
        by = timedelta(days=draft.extension_days)
        extend_burn_in(now=now, actor=actor, by=by, review_at=review.next_review_at, note=note)


def _note(review: Review, draft: ReviewDraft, second_name: str) -> None:
    told = [
        f"{review.signed_by} signed {review.decision}; the computed verdict is {review.verdict.decision}."
    ]
    told += [f"Waived {one.subject}: {one.reason}" for one in draft.waivers]
    told += [f"Second person: {second_name}."] if second_name else []
    told += [f"Blocker {one.subject}: {one.text}" for one in draft.blockers]
    if review.next_review_at:
        told.append(
            f"Plan: {review.plan} ({review.plan_owner}, by {review.plan_due_date}). Extended by"
            f" {review.extension_days} days; next review {review.next_review_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC."
        )
    write_entry(
        OpsKind.REVIEW,
        at=review.signed_at,
        actor=review.signed_by,
        text="\n".join(told),
        data={"review": review.pk, "verdict": review.verdict_id},
    )
