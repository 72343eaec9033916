"""Answers "what if" from stored rows. Nothing is stored here."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from monitoring.domain.downtime_left import DowntimeLeft, downtime_left
from monitoring.domain.figures import clock_text, iso_z
from monitoring.domain.outlook import Course, EarliestGo, HourCount, earliest_go
from monitoring.domain.verdict_record import Judgement
from monitoring.domain.whatif import SmallestChange, smallest_change
from monitoring.domain.windows import Window
from monitoring.models import HealthHour, HealthLog
from monitoring.services.known import Material
from tenancy.context import control_transaction


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The three answers."""

    smallest: SmallestChange
    earliest: EarliestGo
    downtime: DowntimeLeft | None

    def to_dict(self) -> dict[str, Any]:
        """As `go_nogo --what-if --format json` prints it."""
        left = self.downtime
        return {
            "smallest_change": {
                "makes_go": self.smallest.makes_go,
                "changes": [
                    {"path": one.path, "from": one.before, "to": one.after} for one in self.smallest.changes
                ],
                "obstacles": list(self.smallest.obstacles),
            },
            "earliest_go": {
                "at": iso_z(self.earliest.at) if self.earliest.at else None,
                "parts": [
                    {"subject": one.subject, "at": iso_z(one.at) if one.at else None, "why": one.why}
                    for one in self.earliest.parts
                ],
            },
            "downtime_left": {"at": iso_z(left.at), "seconds": left.seconds, "spent": left.spent_s}
            if left
            else None,
        }

    def lines(self) -> list[str]:
        """The answers in sentences."""
        told = ["What if"]
        changes = "; ".join(str(one) for one in self.smallest.changes)
        if self.smallest.makes_go:
            told.append(f"  Smallest change that makes GO: {changes or 'none is needed'}.")
        else:
            told.append("  No change of limits alone makes GO:")
            told += [f"    {text}" for text in self.smallest.obstacles]
            told += [f"  Limits that would also have to change: {changes}."] if changes else []
        if self.earliest.at:
            told.append(
                f"  Earliest possible GO, if all is observed and good from here: {clock_text(self.earliest.at)}."
            )
        else:
            told.append("  Time alone does not lead to GO:")
        told += [
            f"    {one.subject}: {clock_text(one.at) if one.at else 'not by waiting'}. {one.why}"
            for one in self.earliest.parts
        ]
        told += [f"  {self.downtime}"] if self.downtime else []
        return told


def what_if(judgement: Judgement, material: Material) -> WhatIf:
    """The answers for a judgement, from the rows it was made from and the counts of the past hours."""
    evidence, policy = judgement.evidence, judgement.policy
    with control_transaction("what if"):
        course = _course(judgement, material)
    return WhatIf(
        smallest_change(evidence, policy),
        earliest_go(evidence, policy, course),
        downtime_left(evidence, policy, course),
    )


def _course(judgement: Judgement, material: Material) -> Course:
    evidence, policy = judgement.evidence, judgement.policy
    now = evidence.judged_at
    start = min(evidence.window.start, now - timedelta(days=policy.window.days))
    records = material.records(material.critical, Window(start, now))
    hours = policy.error_rate.hours if policy.error_rate else 0
    return Course(
        records=tuple(records.values()),
        hours=_hours(now - timedelta(hours=hours + 1), now),
        api_failures=_api_failures([one.pk for one in material.intelligence_api], start, now),
        review_at=judgement.burn_in.review_at if judgement.burn_in else None,
    )


def _hours(start: datetime, end: datetime) -> tuple[HourCount, ...]:
    counts: dict[datetime, list[int]] = defaultdict(lambda: [0, 0])
    rows = HealthHour.objects.filter(at__gte=start, at__lt=end).values_list("at", "total", "bad")
    for at, total, bad in rows:
        counts[at][0] += total
        counts[at][1] += bad
    return tuple(HourCount(at, *both) for at, both in sorted(counts.items()))


def _api_failures(ids: list[int], start: datetime, end: datetime) -> tuple[datetime, ...]:
    """The last failed probe is all that looking ahead needs."""
    found = HealthLog.objects.filter(endpoint_id__in=ids, ok=False, ts__gte=start, ts__lt=end)
    last = found.order_by("-ts").values_list("ts", flat=True).first()
    return (last,) if last else ()
