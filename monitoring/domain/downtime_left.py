"""How long the platform may still be down until the review, and be GO for uptime."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from monitoring.domain.evidence import Evidence
from monitoring.domain.figures import clock_text, duration, exact
from monitoring.domain.outlook import Course, going_well, last_moment, window_at
from monitoring.domain.policy import Policy
from monitoring.domain.uptime import measure


@dataclass(frozen=True, slots=True)
class DowntimeLeft:
    """How long the platform may still be down, in all, and be GO for uptime at `at`. `seconds` is 0 or more.

    It is counted in the longest reading of each outage, since GO needs the low end of the band.
    """

    at: datetime
    seconds: float
    spent_s: float

    def __str__(self) -> str:
        if self.seconds <= 0:
            return (
                f"GO on {clock_text(self.at)} is out of reach for uptime: {duration(self.spent_s)} are spent."
            )
        most = f"GO needs no outage longer than {int(self.seconds)} s from here"
        return f"{most} (all together, up to {clock_text(self.at)})."


def downtime_left(evidence: Evidence, policy: Policy, course: Course) -> DowntimeLeft | None:
    """What of the allowed downtime is left in the window of the next review, or of one window from now.

    None without a critical endpoint or an uptime criterion.
    """
    if policy.uptime is None or not course.records:
        return None
    now = evidence.judged_at
    at = course.review_at if course.review_at and course.review_at > now else last_moment(evidence, policy)
    window = window_at(at, evidence, policy)
    measured = measure(window, going_well(course.records, now, at), at)
    counted_s = Fraction(measured.up_s.high + measured.down_s.low)
    allowed = counted_s * (100 - Fraction(exact(policy.uptime.min_percent))) / 100
    spent = measured.down_s.high
    return DowntimeLeft(at, max(0.0, float(allowed - Fraction(spent))), spent)
