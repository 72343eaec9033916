"""The verdict of this moment, for pages that many people look at."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.core.cache import cache
from redis.exceptions import RedisError

from monitoring.domain.verdicts import Verdict
from monitoring.services.judging import judge

logger = logging.getLogger(__name__)

MAX_AGE = timedelta(seconds=5)
_KEY = "live-verdict"


def live_verdict(*, now: datetime) -> Verdict:
    """The verdict at `now`, or one at most five seconds older; `judged_at` says which.

    Without the cache it is judged anew: the broker may be down when the board is needed most.
    """
    try:
        kept = cache.get(_KEY)
    except RedisError as error:
        logger.warning("The cache does not answer (%s); the verdict is judged anew.", error)
        return judge(now=now)
    if isinstance(kept, Verdict) and timedelta(0) <= now - kept.judged_at < MAX_AGE:
        return kept
    verdict = judge(now=now)
    try:
        cache.set(_KEY, verdict, timeout=MAX_AGE.total_seconds())
    except RedisError as error:
        logger.warning("The cache does not take the verdict (%s).", error)
    return verdict
