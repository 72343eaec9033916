"""Stores observations: the log in bulk, and with it what each one changes of its endpoint.

One batch is one transaction: rows, rollups (by the log's trigger), flips and spans are all there or none is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from monitoring.clients.probe import ProbeResult
from monitoring.domain.observing import EndpointStanding, Source
from monitoring.domain.outages import Observation, Trail, extend_span
from monitoring.domain.outages import Outage as OutageFacts
from monitoring.domain.windows import Window
from monitoring.models import Endpoint, EndpointState, ObservedSpan, Outage
from monitoring.models.bulk import BulkUpdate
from monitoring.services.alerts import endpoints_flipped
from monitoring.services.health_log import clear_stage, move_stage, stage_rows
from monitoring.services.steady import advance_steady, lock_states
from tenancy.context import control_transaction

_ERROR_LENGTH = 500
_STATES = BulkUpdate(
    table="endpoint_states",
    key="endpoint_id",
    always="lease_until = NULL",
    columns=(
        ("next_due_at", "timestamptz"),
        ("standing", "text"),
        ("standing_since", "timestamptz"),
        ("last_at", "timestamptz"),
        ("last_status", "smallint"),
        ("last_latency_ms", "float8"),
        ("last_error", "text"),
        ("last_good_at", "timestamptz"),
        ("seen_until", "timestamptz"),
        ("outage_id", "bigint"),
        ("span_id", "bigint"),
    ),
)
_OUTAGES = BulkUpdate(
    table="outages",
    key="id",
    columns=(
        ("last_good_at", "timestamptz"),
        ("first_bad_at", "timestamptz"),
        ("last_bad_at", "timestamptz"),
        ("first_good_at", "timestamptz"),
        ("confirmed", "boolean"),
        ("unseen_s", "float8"),
        ("failures", "integer"),
    ),
)
_CERTIFICATES = BulkUpdate(
    table="endpoint_states",
    key="endpoint_id",
    columns=(("certificate_expires_at", "timestamptz"),),
    changed_only=True,
)
_SPANS = BulkUpdate(table="observed_spans", key="id", columns=(("ended_at", "timestamptz"),))


@dataclass(frozen=True, slots=True)
class Flip:
    """An endpoint's change of standing."""

    endpoint_id: int
    before: EndpointStanding
    after: EndpointStanding
    at: datetime


def record_probes(probed: Sequence[tuple[Endpoint, ProbeResult]], *, source: Source) -> tuple[Flip, ...]:
    """This will store the results of probes and return the changes of standing they brought.

    A constant number of statements whatever the batch. Results may come in any order; one that began
    before the endpoint's last known observation is logged but changes no outage.
    """
    if not probed:
        return ()
    by_endpoint: dict[int, list[ProbeResult]] = defaultdict(list)
    endpoints = {endpoint.pk: endpoint for endpoint, _ in probed}
    for endpoint, result in probed:
        by_endpoint[endpoint.pk].append(result)
    with control_transaction("recording"):
        lock_states(list(by_endpoint))
        stage, _ = stage_rows(_log_row(endpoint, result, source) for endpoint, result in probed)
        move_stage(stage)
        eventful = by_endpoint.keys() - advance_steady(stage)
        clear_stage(stage)
        states = (
            EndpointState.objects.select_related("outage", "span")
            .filter(endpoint_id__in=eventful)
            .order_by("endpoint_id")
        )
        changes = [
            _advance(endpoints[state.endpoint_id], state, by_endpoint[state.endpoint_id]) for state in states
        ]
        _CERTIFICATES.run(_certificates(probed))
        _save_outages([outage for change in changes for outage in change.outages])
        _save_spans([span for change in changes for span in change.spans])
        _save_states([change.state for change in changes])
        flips = tuple(flip for change in changes for flip in change.flips)
        if source is not Source.IMPORT:
            _raise_alerts(flips)
    return flips


def _raise_alerts(flips: Sequence[Flip]) -> None:
    """A confirmed outage is an alert with the probe that confirmed it, not up to five minutes later.

    History is not news: nobody is told of an outage that was imported.
    """
    told = [flip for flip in flips if EndpointStanding.DOWN in (flip.before, flip.after)]
    if told:
        endpoints_flipped([flip.endpoint_id for flip in told], now=max(flip.at for flip in told))


def _words(result: ProbeResult) -> str:
    words = result.failed_assertion or result.error
    return words.replace("\0", "\N{REPLACEMENT CHARACTER}")[:_ERROR_LENGTH]


@dataclass(slots=True)
class _Change:
    state: EndpointState
    outages: list[Outage]
    spans: list[ObservedSpan]
    flips: list[Flip]


def _advance(endpoint: Endpoint, state: EndpointState, results: list[ProbeResult]) -> _Change:
    hold = timedelta(seconds=endpoint.hold_s)
    change = _Change(state, [], [], [])
    trail = Trail(state.last_good_at, state.seen_until, _facts(state.outage) if state.outage else None)
    for result in sorted(results, key=lambda r: r.started_at):
        if state.last_at is not None and result.started_at < state.last_at:
            continue
        observation = Observation(result.started_at, result.ended_at, result.ok)
        trail, closed = trail.advance(observation, hold=hold)
        _keep_outage(change, trail, closed, result, endpoint)
        _keep_span(change, observation, hold, endpoint)
        _keep_standing(change, result, trail)
        state.last_at = result.started_at
        state.last_status = result.status
        state.last_latency_ms = result.latency_ms if result.status else None
        state.last_error = _words(result)
        if not result.ok:
            retry_at = result.ended_at + timedelta(seconds=endpoint.confirm_interval_s)
            state.next_due_at = min(state.next_due_at, retry_at)
    state.last_good_at, state.seen_until = trail.last_good_at, trail.seen_until
    return change


def _facts(outage: Outage) -> OutageFacts:
    return OutageFacts(
        outage.last_good_at,
        outage.first_bad_at,
        outage.last_bad_at,
        None,
        confirmed=outage.confirmed,
        unseen=timedelta(seconds=outage.unseen_s),
    )


def _keep_outage(
    change: _Change, trail: Trail, closed: OutageFacts | None, result: ProbeResult, endpoint: Endpoint
) -> None:
    state = change.state
    facts = closed or trail.outage
    if facts is None:
        return
    row = state.outage
    if row is None:
        row = Outage(endpoint=endpoint, failures=0, status_code=result.status, error_class=result.error_class)
        row.error = _words(result)
        state.outage = row
    row.last_good_at, row.first_bad_at = facts.last_good_at, facts.first_bad_at
    row.last_bad_at, row.first_good_at = facts.last_bad_at, facts.first_good_at
    row.confirmed, row.unseen_s = facts.confirmed, facts.unseen.total_seconds()
    if not result.ok:
        row.failures += 1
    if not any(kept is row for kept in change.outages):
        change.outages.append(row)
    if closed is not None:
        state.outage = None


def _keep_span(change: _Change, observation: Observation, hold: timedelta, endpoint: Endpoint) -> None:
    state = change.state
    latest = Window(state.span.started_at, state.span.ended_at) if state.span else None
    span, is_new = extend_span(latest, observation, hold=hold)
    if is_new:
        state.span = ObservedSpan(endpoint=endpoint, started_at=span.start)
    assert state.span is not None  # given or just made
    state.span.ended_at = span.end
    if not any(kept is state.span for kept in change.spans):
        change.spans.append(state.span)


def _keep_standing(change: _Change, result: ProbeResult, trail: Trail) -> None:
    state = change.state
    before = EndpointStanding(state.standing)
    if trail.outage is None:
        after = EndpointStanding.UP
    else:
        after = EndpointStanding.DOWN if trail.outage.confirmed else EndpointStanding.SUSPECT
    if after is not before:
        state.standing = after.value
        state.standing_since = result.ended_at
        change.flips.append(Flip(state.endpoint_id, before, after, result.ended_at))


def _certificates(probed: Sequence[tuple[Endpoint, ProbeResult]]) -> list[tuple[int, datetime]]:
    """The newest expiry that each endpoint's probes saw, if any did."""
    seen = {e.pk: r.certificate_expires_at for e, r in probed if r.certificate_expires_at is not None}
    return list(seen.items())


def _log_row(endpoint: Endpoint, result: ProbeResult, source: Source) -> tuple[object, ...]:
    return (
        endpoint.tenant_id,
        endpoint.pk,
        source.value,
        result.started_at.isoformat(),
        result.ended_at.isoformat(),
        result.status,
        result.ok,
        result.latency_ms,
        result.error_class,
        result.error,
        result.failed_assertion,
    )


def _save_outages(outages: list[Outage]) -> None:
    # Known ones first: one that closes makes room for the next open one of its endpoint.
    new = [outage for outage in outages if outage._state.adding]
    _OUTAGES.run([_values(outage, _OUTAGES) for outage in outages if not outage._state.adding])
    Outage.objects.bulk_create(new)


def _save_spans(spans: list[ObservedSpan]) -> None:
    new = [span for span in spans if span._state.adding]
    _SPANS.run([_values(span, _SPANS) for span in spans if not span._state.adding])
    ObservedSpan.objects.bulk_create(new)


def _save_states(states: list[EndpointState]) -> None:
    for state in states:
        # Those made in this batch have their ids only now.
        state.outage_id = state.outage.pk if state.outage else None
        state.span_id = state.span.pk if state.span else None
    _STATES.run([_values(state, _STATES) for state in states])


def _values(row: EndpointState | ObservedSpan | Outage, update: BulkUpdate) -> list[Any]:
    return [row.pk, *(getattr(row, name) for name, _ in update.columns)]
