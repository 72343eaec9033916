"""Stores verdicts as a chain, and judges the past again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import rfc8785
from django.db import connection

from monitoring.domain.evidence_rows import merkle_root, pack
from monitoring.domain.occasions import Occasion
from monitoring.domain.verdict_record import (
    FIRST_PREVIOUS,
    Judgement,
    Link,
    Place,
    broken_links,
    signature_of,
    to_record,
)
from monitoring.domain.windows import Window
from monitoring.models import EndpointState, Verdict, VerdictRows
from monitoring.services.code_version import code_version
from monitoring.services.evidence_rows import rows_behind
from monitoring.services.judging import judge_in_full
from monitoring.services.known import Knowledge, Material
from monitoring.services.probing import LEASE_SLACK_S
from tenancy.context import control_transaction

# The same key as in the database's own check: one writer of the chain at a time.
_CHAIN_LOCK = 1986359923


class UnableToReplay(LookupError):
    """There is no such verdict, or a moment that cannot be judged; the message says which there are."""


def settled_moment(now: datetime) -> datetime:
    """The latest moment at which everything that had begun to be observed is recorded.

    Probes that are under way were claimed after it. Judging at this moment, a later replay finds the same
    rows. One query.
    """
    under_way = (
        EndpointState.objects.filter(lease_until__gt=now)
        .select_related("endpoint")
        .values_list("lease_until", "endpoint__timeout_s")
    )
    claims = [until - timedelta(seconds=timeout + LEASE_SLACK_S) for until, timeout in under_way if until]
    return min([now, *claims])


def store_verdict(*, now: datetime, occasion: Occasion, actor: str = "portal") -> Verdict:
    """This will judge the platform at the latest settled moment up to `now` and add the verdict to the chain.

    Raises:
        UnableToJudge: when the policy asks for a window that does not exist.
        ScopeSwitch: inside a transaction of a tenant's scope.
    """
    with control_transaction("store verdict"):
        judgement, material = judge_in_full(now=settled_moment(now))
        return store_judgement(judgement, material, occasion=occasion, now=now, actor=actor)


def store_on_change(*, now: datetime) -> Verdict | None:
    """This will store a verdict if it says something else than the newest one; None when it does not.

    Something else: decision, a gate's standing, a trigger or the policy; figures may move.
    """
    with control_transaction("store verdict"):
        judgement, material = judge_in_full(now=settled_moment(now))
        newest = Verdict.objects.order_by("-number").first()
        if newest is not None:
            place = _place(newest, Occasion.CHANGE, now, "")
            shown = to_record(judgement, place, code=code_version(), rows=0, merkle_root="")
            if signature_of(shown) == signature_of(json.loads(newest.record)):
                return None
        return store_judgement(judgement, material, occasion=Occasion.CHANGE, now=now, actor="portal")


def judged_rows(judgement: Judgement, material: Material) -> tuple[Any, ...]:
    """The rows behind a judgement, over both of its windows. Needs the control plane's scope."""
    spans = [judgement.verdict.window]
    if judgement.other:
        spans.append(judgement.other.verdict.window)
    windows = [Window(span.start, span.end) for span in spans]
    return rows_behind(material, windows=windows, policy=judgement.policy, now=judgement.verdict.judged_at)


def store_judgement(
    judgement: Judgement, material: Material, *, occasion: Occasion, now: datetime, actor: str
) -> Verdict:
    """This will add a judgement of a settled moment to the chain. One writer at a time; needs the control
    plane's scope, in the transaction in which the judgement was made."""
    rows = judged_rows(judgement, material)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CHAIN_LOCK])
    newest = Verdict.objects.newest_first().first()
    place = _place(newest, occasion, now, actor)
    code = code_version()
    record = rfc8785.dumps(
        to_record(judgement, place, code=code, rows=len(rows), merkle_root=merkle_root(rows))
    )
    verdict = judgement.verdict
    stored = Verdict.objects.create(
        number=place.number,
        occasion=occasion.value,
        burn_in=judgement.burn_in.name if judgement.burn_in else "",
        judged_at=verdict.judged_at,
        stored_at=now,
        stored_by=place.stored_by,
        window_start=verdict.window.start,
        window_end=verdict.window.end,
        decision=verdict.decision.value,
        conclusive=verdict.conclusive,
        within=verdict.within,
        proven=verdict.proven,
        policy_version=verdict.policy_version,
        code_version=str(code),
        record=record.decode(),
        hash=hashlib.sha256(record).hexdigest(),
        previous_hash=place.previous_hash,
    )
    VerdictRows.objects.create(verdict=stored, row_count=len(rows), packed=pack(rows))
    return stored


def _place(newest: Verdict | None, occasion: Occasion, now: datetime, actor: str) -> Place:
    return Place(
        number=newest.number + 1 if newest else 1,
        previous_hash=newest.hash if newest else FIRST_PREVIOUS,
        occasion=occasion,
        stored_at=now.astimezone(UTC),
        stored_by=actor[:150],
    )


def record_of(verdict: Verdict) -> dict[str, Any]:
    """The record of a stored verdict as values."""
    record: dict[str, Any] = json.loads(verdict.record)
    return record


def verify_chain() -> tuple[str, ...]:
    """What is wrong with the chain of stored verdicts; nothing when it is whole. Reads every record."""
    return broken_links(_links())


def _links() -> Iterator[Link]:
    for row in Verdict.objects.chain().iterator(chunk_size=50):
        try:
            record = json.loads(row.record)
        except json.JSONDecodeError:
            record = {}
        actual = hashlib.sha256(row.record.encode()).hexdigest()
        yield Link(
            row.number,
            row.previous_hash,
            row.hash,
            actual,
            record.get("number", 0),
            record.get("previous_hash", ""),
        )


def replay(*, at: datetime, now: datetime) -> Judgement:
    """This will judge the platform at `at` again, from what was known then and is still stored.

    Raises:
        UnableToReplay: for a moment that is still to come.
        UnableToJudge: when the policy of then asks for a window that does not exist.
    """
    if at > now:
        raise UnableToReplay(f"{at:%Y-%m-%d %H:%M} UTC is still to come; only the past can be judged again.")
    return judge_in_full(now=at, knowledge=Knowledge(at, sealed=True))[0]


def verdict_numbered(number: int) -> Verdict:
    """The stored verdict `number`.

    Raises:
        UnableToReplay: when there is none.
    """
    verdict = Verdict.objects.filter(number=number).first()
    if verdict is None:
        last = Verdict.objects.newest_first().values_list("number", flat=True).first()
        there = f"they run from 1 to {last}" if last else "none is stored yet (manage.py go_nogo --store)"
        raise UnableToReplay(f"There is no verdict {number}; {there}.")
    return verdict
