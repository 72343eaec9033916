"""The status answer: a summary and the newest rows, cached for moments."""

from __future__ import annotations

from datetime import datetime

from intelligence.domain.rows import moment
from intelligence.domain.words import PlatformState
from intelligence.services import lists
from intelligence.services.lists import PageQuery, Row
from intelligence.services.summary import status_version_key, summarize
from tenancy.services import caching

# Probes are stored every few seconds and do not announce themselves: nothing older than this is served.
CACHED_S = 5
_EVENTS, _ACTIONS, _RECOMMENDATIONS = 5, 5, 3


def read_status(now: datetime) -> Row:
    """The active tenant's status; `measured_at` says when it was read.

    Seven queries, or none when it was read less than five seconds ago and nothing was recorded since. The
    version is taken before the rows are read: what is recorded meanwhile makes the cached copy invalid.
    """
    version_key, body_key = status_version_key(), caching.tenant_key("intelligence:status")
    cached = caching.read([version_key, body_key])
    version = cached.get(version_key)
    kept = cached.get(body_key)
    if kept is not None and kept[0] == version:
        body: Row = kept[1]
        return body
    body = _read(now)
    caching.write(body_key, (version, body), lifetime_s=CACHED_S)
    return body


def _read(now: datetime) -> Row:
    summary = summarize(now)
    return {
        "status": _state(summary["health"]).value,
        "summary": summary,
        "recent_events": lists.list_events(PageQuery(_EVENTS)).rows,
        "recent_actions": lists.list_actions(PageQuery(_ACTIONS)).rows,
        "recommendations": lists.list_recommendations(PageQuery(_RECOMMENDATIONS)).rows,
        "measured_at": moment(now),
    }


def _state(health: Row) -> PlatformState:
    if not health["total_checks"]:
        return PlatformState.NO_DATA
    if not health["error_rate"]:
        return PlatformState.OPERATIONAL
    return PlatformState.FAILING if health["error_rate"] >= 100 else PlatformState.DEGRADED
