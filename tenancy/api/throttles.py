"""How often a token may call; counted in Redis, so that it holds across processes."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from tenancy.models import ApiToken
from tenancy.services import caching


class TokenThrottle(SimpleRateThrottle):
    """One budget for each token and period; the period begins anew with each full minute (hour, day).

    A counter, not DRF's list of times: that list is read, changed and written back, so two processes lose
    each other's calls, and at 6,000 a minute it is 50 kB for every call. Without Redis nobody is throttled:
    an answer is worth more than its counting.
    """

    scope = "token"
    # Read from the rate by DRF: calls, and the seconds of a period.
    num_requests: int
    duration: int

    def allow_request(self, request: Request, view: Any) -> bool:
        if self.rate is None or not isinstance(request.auth, ApiToken):
            return True
        self.now = self.timer()
        period = int(self.now // self.duration)
        calls = caching.count(f"throttle:{request.auth.pk}:{period}", lifetime_s=self.duration + 1)
        return calls is None or calls <= self.num_requests

    def wait(self) -> float:
        """Seconds until the next period."""
        return float(self.duration - self.now % self.duration)
