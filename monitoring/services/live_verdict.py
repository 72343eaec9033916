"""The verdict of this moment, for pages that many people look at."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitoring.domain.verdicts import Verdict
from monitoring.services.judging import judge
from tenancy.services import caching

MAX_AGE_S = 5
_KEY = "live-verdict"


def live_verdict(*, now: datetime) -> Verdict:
    """The verdict at `now`, or one at most five seconds older; `judged_at` says which.

    Without the cache it is judged anew: the broker may be down when the board is needed most.
    """
    kept = caching.read([_KEY]).get(_KEY)
    if isinstance(kept, Verdict) and timedelta(0) <= now - kept.judged_at < timedelta(seconds=MAX_AGE_S):
        return kept
    verdict = judge(now=now)
    caching.write(_KEY, verdict, lifetime_s=MAX_AGE_S)
    return verdict
