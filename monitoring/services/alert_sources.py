"""What each kind of rule reads: one reading for each subject, from stored rows only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from django.db import connection

from monitoring.domain.alerting import RuleKind
from monitoring.domain.costs import daily_totals
from monitoring.domain.figures import counted, dollars, duration
from monitoring.domain.observing import EndpointStanding
from monitoring.domain.rollups import Counts
from monitoring.domain.windows import Window
from monitoring.models import AlertRule, Endpoint
from monitoring.services.costs import entries_between
from monitoring.services.job_conditions import job_conditions
from monitoring.services.rollups import count_observations
from monitoring.services.slo_conditions import slo_conditions

PLATFORM = "platform"
# A burst is looked for in what came since the last evaluation, but never further back than this.
_FURTHEST_BACK = timedelta(minutes=30)
# A probe's row carries the instant it began and is stored when it ended: as much later as a probe may take.
_STORED_LATE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known of one subject now; `value` None = nothing. `breaches`: see `domain.alerting.Sample`."""

    subject: str
    name: str
    value: float | None
    sentence: str
    endpoint_id: int | None = None
    tenant_id: UUID | None = None
    breaches: tuple[datetime, ...] | None = None


Source: TypeAlias = Callable[[AlertRule, datetime], list[Reading]]


def read_rule(rule: AlertRule, now: datetime) -> list[Reading]:
    """What `rule` finds at `now`, before its pattern of subjects. Needs the control plane's scope."""
    return _SOURCES[RuleKind(rule.kind)](rule, now)


def _error_rate(rule: AlertRule, now: datetime) -> list[Reading]:
    length = timedelta(seconds=rule.window_s or 3600)
    counts = sum(count_observations(Window.trailing(now.astimezone(UTC), length)).values(), Counts())
    if not counts.total:
        return [Reading(PLATFORM, PLATFORM, None, "Nothing was observed.")]
    share = 100 * counts.bad / counts.total
    sentence = (
        f"{share:.3g} % of {counts.total:,} observations of the last "
        f"{duration(length.total_seconds())} were bad."
    )
    return [Reading(PLATFORM, PLATFORM, share, sentence)]


# The most in any stretch of the given length that ends after the last evaluation, wherever it begins.
_PEAK_SQL = """
    SELECT coalesce(max(n) FILTER (WHERE ts > %(since)s), 0)
    FROM (SELECT ts, count(*) OVER (ORDER BY ts RANGE BETWEEN %(length)s * interval '1 s' PRECEDING
                                    AND CURRENT ROW) AS n
          FROM system_health_log
          WHERE NOT ok AND status_code >= 500
            AND ts > %(since)s - %(length)s * interval '1 s' AND ts <= %(now)s) AS counted
"""


def _server_errors(rule: AlertRule, now: datetime) -> list[Reading]:
    length = timedelta(seconds=rule.window_s or 60)
    since = max((rule.evaluated_at or now) - _STORED_LATE, now - _FURTHEST_BACK)
    with connection.cursor() as cursor:
        cursor.execute(_PEAK_SQL, {"since": min(since, now), "length": length.total_seconds(), "now": now})
        peak = int(cursor.fetchone()[0])
    stretch = duration(length.total_seconds())
    sentence = f"{counted(peak, 'answer')} with a 5xx status within {stretch}."
    return [Reading(PLATFORM, PLATFORM, peak, sentence)]


def _daily_cost(rule: AlertRule, now: datetime) -> list[Reading]:
    # Bills come late: yesterday is looked at until today is over.
    today = now.astimezone(UTC).date()
    first = today - timedelta(days=1)
    known = [
        (day.total, day.day)
        for day in daily_totals(entries_between(first, today), first, today, now)
        if day.total is not None
    ]
    if not known:
        return [Reading(PLATFORM, PLATFORM, None, "Neither today nor yesterday has a cost entry.")]
    total, day = max(known)
    return [Reading(PLATFORM, PLATFORM, float(total), f"{day.isoformat()} has cost {dollars(total)} so far.")]


_STANDING_VALUES = {EndpointStanding.UP: 0.0, EndpointStanding.DOWN: 1.0}


def _endpoint_down(rule: AlertRule, now: datetime) -> list[Reading]:
    rows = Endpoint.objects.filter(enabled=True, state__isnull=False).select_related("state").order_by("id")
    return endpoint_readings(rule, list(rows), now)


def endpoint_readings(rule: AlertRule, endpoints: Sequence[Endpoint], now: datetime) -> list[Reading]:
    """How the endpoints, given with their states, stand: 1 = down and confirmed, 0 = up, None = not known."""
    failures = _failures(rule, [endpoint.pk for endpoint in endpoints], now)
    return [_endpoint_reading(endpoint, now, failures) for endpoint in endpoints]


def _endpoint_reading(
    endpoint: Endpoint, now: datetime, failures: dict[int, tuple[datetime, ...]] | None
) -> Reading:
    state = endpoint.state
    value = _STANDING_VALUES.get(EndpointStanding(state.standing))
    # What nobody has looked at for longer than an observation speaks is unknown, whatever was seen last.
    if state.seen_until is None or now - state.seen_until > timedelta(seconds=endpoint.hold_s):
        value = None
    return Reading(
        subject=f"endpoint:{endpoint.pk}",
        name=endpoint.name,
        value=value,
        sentence=_endpoint_sentence(endpoint, value),
        endpoint_id=endpoint.pk,
        tenant_id=endpoint.tenant_id,
        breaches=None if failures is None else failures.get(endpoint.pk, ()),
    )


def _endpoint_sentence(endpoint: Endpoint, value: float | None) -> str:
    state = endpoint.state
    if value is None:
        return f"How {endpoint.name} stands is not known."
    if not value:
        return f"{endpoint.name} answers as it should."
    why = state.last_error or "it does not answer as it should"
    since = f" since {state.standing_since:%Y-%m-%d %H:%M:%S} UTC" if state.standing_since else ""
    return f"{endpoint.name} is down{since}: {why}"


def _failures(rule: AlertRule, ids: Collection[int], now: datetime) -> dict[int, tuple[datetime, ...]] | None:
    """The newest failed probes of each endpoint, for a rule that counts them."""
    if rule.occurrences <= 1:
        return None
    found: dict[int, list[datetime]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT endpoint_id, ts FROM (SELECT endpoint_id, ts, row_number() OVER"
            " (PARTITION BY endpoint_id ORDER BY ts DESC) AS place FROM system_health_log"
            " WHERE NOT ok AND ts >= %s AND ts <= %s AND endpoint_id = ANY(%s)) AS newest"
            " WHERE place <= %s ORDER BY ts",
            [now - timedelta(seconds=rule.within_s), now, list(ids), rule.occurrences],
        )
        for endpoint_id, at in cursor.fetchall():
            found[endpoint_id].append(at)
    return {endpoint_id: tuple(times) for endpoint_id, times in found.items()}


def _certificate(rule: AlertRule, now: datetime) -> list[Reading]:
    rows = Endpoint.objects.filter(enabled=True, state__certificate_expires_at__isnull=False)
    readings = []
    for endpoint in rows.select_related("state").order_by("id"):
        expires = endpoint.state.certificate_expires_at
        assert expires is not None  # filtered above
        days = (expires - now) / timedelta(days=1)
        verb = "expires" if days > 0 else "expired"
        readings.append(
            Reading(
                subject=f"endpoint:{endpoint.pk}",
                name=endpoint.name,
                value=days,
                sentence=f"The certificate of {endpoint.name} {verb} on {expires:%Y-%m-%d %H:%M} UTC.",
                endpoint_id=endpoint.pk,
                tenant_id=endpoint.tenant_id,
            )
        )
    return readings


def _job(rule: AlertRule, now: datetime) -> list[Reading]:
    return [
        Reading(
            f"job:{found.key}", found.name, None if found.bad is None else float(found.bad), found.sentence
        )
        for found in job_conditions(now)
    ]


# By the database's clock. A beat that never gave a sign is as old as the schedule it was to keep.
_BEAT_SQL = """
    SELECT extract(epoch FROM clock_timestamp() - coalesce(
        (SELECT heartbeat_at FROM beat_lease WHERE id = 1),
        (SELECT min(date_changed) FROM django_celery_beat_periodictask)))
"""


def _beat(rule: AlertRule, now: datetime) -> list[Reading]:
    with connection.cursor() as cursor:
        cursor.execute(_BEAT_SQL)
        age = cursor.fetchone()[0]
    if age is None:
        return [Reading("beat", "beat", None, "There is no schedule that beat could keep.")]
    seconds = max(float(age), 0.0)
    return [Reading("beat", "beat", seconds, f"Beat gave its last sign {duration(seconds)} ago.")]


def _slo_burn(rule: AlertRule, now: datetime) -> list[Reading]:
    return [
        Reading(found.subject, found.name, found.burn, found.sentence, tenant_id=found.tenant_id)
        for found in slo_conditions(now)
    ]


def _slo_no_data(rule: AlertRule, now: datetime) -> list[Reading]:
    return [
        Reading(found.subject, found.name, float(found.no_data), found.sentence, tenant_id=found.tenant_id)
        for found in slo_conditions(now)
    ]


_SOURCES: dict[RuleKind, Source] = {
    RuleKind.ERROR_RATE: _error_rate,
    RuleKind.SERVER_ERRORS: _server_errors,
    RuleKind.DAILY_COST: _daily_cost,
    RuleKind.ENDPOINT_DOWN: _endpoint_down,
    RuleKind.SLO_BURN: _slo_burn,
    RuleKind.SLO_NO_DATA: _slo_no_data,
    RuleKind.CERTIFICATE: _certificate,
    RuleKind.JOB: _job,
    RuleKind.BEAT: _beat,
}
