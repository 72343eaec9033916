"""What Prometheus may scrape of the portal."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from django.db.models import Count, Max

from monitoring.clients import broker
from monitoring.domain.exposition import Gauge
from monitoring.domain.observing import EndpointStanding, Severity
from monitoring.domain.verdicts import Decision
from monitoring.domain.windows import Window
from monitoring.models import AlertEpisode, Endpoint, Incident, JobRun
from monitoring.services.live_verdict import live_verdict
from monitoring.services.liveness import liveness
from monitoring.services.rollups import count_observations, latency_histogram
from monitoring.services.uptime import platform_uptime
from tenancy.context import control_transaction

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_QUANTILES = (0.5, 0.95, 0.99)


def read_gauges(now: datetime) -> list[Gauge]:
    """All measurements at `now`. A constant number of queries, none on the log's older rows."""
    gauges = _gates(now)
    with control_transaction("metrics"):
        return [*gauges, *_uptime(now), *_probes(now), *_jobs(now), *_incidents(), *_portal(now)]


def _gates(now: datetime) -> list[Gauge]:
    verdict = live_verdict(now=now)
    go = Gauge("levqor_go", "1 when the verdict is GO, 0 when it is NO-GO.")
    go.add(verdict.decision is Decision.GO)
    standing = Gauge("levqor_gate_standing", "1 for the standing that the gate has now.")
    value = Gauge("levqor_gate_value", "The gate's reading in its own unit.")
    limit = Gauge("levqor_gate_limit", "The gate's limit in its own unit.")
    for reading in verdict.gates:
        gate = reading.key.value
        standing.add(1, gate=gate, standing=reading.standing.value)
        value.add(reading.value, gate=gate, unit=reading.unit)
        limit.add(reading.limit, gate=gate, unit=reading.unit)
    return [go, standing, value, limit]


def _uptime(now: datetime) -> list[Gauge]:
    ratio = Gauge("levqor_uptime_ratio", "Platform uptime, the union of its critical endpoints, 0 to 1.")
    coverage = Gauge(
        "levqor_coverage_ratio", "Share of the window in which the platform was observed, 0 to 1."
    )
    for days in (7, 30):
        window = f"{days}d"
        measured = platform_uptime(Window.trailing(now, timedelta(days=days)), now)
        if measured.uptime is not None:
            for bound in ("low", "likely", "high"):
                ratio.add(getattr(measured.uptime, bound), window=window, bound=bound)
        coverage.add(measured.coverage, window=window)
    return [ratio, coverage]


def _probes(now: datetime) -> list[Gauge]:
    up = Gauge("levqor_endpoint_up", "1 while the endpoint answers as it should, 0 while it does not.")
    latency = Gauge("levqor_endpoint_latency_seconds", "Latency of the endpoint's last answer.")
    age = Gauge("levqor_endpoint_last_probe_age_seconds", "Time since the endpoint's last observation.")
    expiry = Gauge("levqor_endpoint_certificate_expiry_seconds", "When its certificate ends, in Unix time.")
    total = Gauge("levqor_observations_1h", "Observations of the endpoint in the last hour.")
    bad = Gauge("levqor_observations_bad_1h", "Those of them that were bad.")
    quantile = Gauge("levqor_latency_1h_seconds", "Latency of critical endpoints, last hour, to 1 %.")
    endpoints = list(Endpoint.objects.filter(enabled=True).select_related("state").order_by("name"))
    counts = count_observations(Window.trailing(now, _HOUR), endpoint_ids=[e.pk for e in endpoints])
    for endpoint in endpoints:
        state, name = endpoint.state, endpoint.name
        known = state.standing != EndpointStanding.UNKNOWN.value
        fresh = state.last_at is not None and now - state.last_at <= timedelta(seconds=endpoint.hold_s)
        up.add(state.standing == EndpointStanding.UP.value if known and fresh else None, endpoint=name)
        if state.last_latency_ms is not None and fresh:
            latency.add(state.last_latency_ms / 1000, endpoint=name)
        if state.last_at is not None:
            age.add(max((now - state.last_at).total_seconds(), 0.0), endpoint=name)
        if state.certificate_expires_at is not None:
            expiry.add(state.certificate_expires_at.timestamp(), endpoint=name)
        if endpoint.pk in counts:
            total.add(counts[endpoint.pk].total, endpoint=name)
            bad.add(counts[endpoint.pk].bad, endpoint=name)
    critical = [endpoint.pk for endpoint in endpoints if endpoint.critical]
    histogram = latency_histogram(Window.trailing(now, _HOUR), endpoint_ids=critical)
    for share in _QUANTILES:
        measured = histogram.quantile(share)
        quantile.add(None if measured is None else measured / 1000, quantile=str(share))
    return [up, latency, age, expiry, total, bad, quantile]


def _jobs(now: datetime) -> list[Gauge]:
    runs = Gauge("levqor_job_runs_24h", "Runs of the job that ended in the last 24 hours, by outcome.")
    last = Gauge("levqor_job_last_end_seconds", "When a run of the job last ended, in Unix time.")
    ended = (
        JobRun.objects.filter(finished_at__gt=now - _DAY, scheduled_for__gt=now - 2 * _DAY)
        .exclude(outcome="")
        .values("job", "outcome")
        .annotate(runs=Count("pk"), last=Max("finished_at"))
        .order_by("job", "outcome")
    )
    latest: dict[str, datetime] = defaultdict(lambda: now - _DAY)
    for row in ended:
        runs.add(row["runs"], job=row["job"], outcome=row["outcome"])
        latest[row["job"]] = max(latest[row["job"]], row["last"])
    for job, at in latest.items():
        last.add(at.timestamp(), job=job)
    return [runs, last]


def _incidents() -> list[Gauge]:
    incidents = Gauge("levqor_incidents_open", "Incidents that are not resolved, by severity.")
    alerts = Gauge("levqor_alerts_open", "Alerts that fire, acknowledged or not, by severity.")
    for gauge, model in ((incidents, Incident), (alerts, AlertEpisode)):
        rows = model.objects.filter(resolved_at__isnull=True).values_list("severity")
        open_ones = dict(rows.annotate(n=Count("pk")).order_by("severity"))
        for severity in Severity:
            gauge.add(open_ones.get(severity.value, 0), severity=severity.value)
    return [incidents, alerts]


def _portal(now: datetime) -> list[Gauge]:
    signs = liveness(now)
    ages = Gauge("levqor_last_sign_age_seconds", "Time since a part of the portal last gave a sign of life.")
    ages.add(signs.beat_age_s, part="beat")
    ages.add(signs.worker_age_s, part="worker")
    ages.add(signs.canary_age_s, part="canary")
    answers = Gauge("levqor_broker_up", "1 while the broker answers.")
    answers.add(signs.broker)
    queue = Gauge("levqor_queue_depth", "Messages that wait at the broker.")
    queue.add(broker.depth())
    owed = Gauge("levqor_job_runs_owed", "Runs that are due and not done.")
    owed.add(signs.owed_runs)
    oldest = Gauge("levqor_job_oldest_owed_seconds", "How long the oldest of them is owed.")
    oldest.add(signs.oldest_owed_s)
    return [ages, answers, queue, owed, oldest]
