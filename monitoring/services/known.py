"""What was known at a moment: the stored rows that a judgement may use, as they stood then.

An observation was known once its probe had begun (a judged moment is chosen so that all those are recorded,
see `verdicts.settled_moment`). Rows that people and programs write were known from their `created_at` on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db.models import Q

from monitoring.domain.costs import CostEntry as CostFacts
from monitoring.domain.costs import CostKind
from monitoring.domain.incidents import Known
from monitoring.domain.observing import Source
from monitoring.domain.outages import Observation, Trail
from monitoring.domain.outages import Outage as OutageFacts
from monitoring.domain.uptime import EndpointRecord
from monitoring.domain.windows import Window, union, window_or_none
from monitoring.models import (
    CostEntry,
    Endpoint,
    HealthLog,
    Incident,
    MaintenanceWindow,
    ObservedSpan,
    Outage,
)
from monitoring.services.uptime import outage_facts

# Longer than a probe can take: an outage without a good probe before it began no earlier than this.
_LONGEST_PROBE = timedelta(seconds=75)
# Later than anything that is written.
_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a judgement of `at` may use. Without `sealed` that is every row there is now.

    `sealed` leaves out what was written after `at`, except the rows that `kept` names by table and id (those
    that a stored verdict did use); `amounts` are what cost entries, by id, amounted to then.
    """

    at: datetime
    sealed: bool = False
    kept: Mapping[str, frozenset[int]] = field(default_factory=dict)
    amounts: Mapping[int, Decimal] = field(default_factory=dict)

    def written(self, table: str) -> Q:
        """The condition on rows of `table` that carry `created_at`."""
        if not self.sealed:
            return Q()
        return Q(created_at__lte=self.at) | Q(pk__in=self.kept.get(table, frozenset()))


@dataclass(frozen=True, slots=True)
class KnownOutage:
    """An outage row, and how the outage stood at the moment, with the failures seen by then."""

    row: Outage
    facts: OutageFacts
    endpoint: Endpoint
    failures: int


@dataclass(frozen=True, slots=True)
class Material:
    """Everything but counts that one judgement uses, read once."""

    knowledge: Knowledge
    endpoints: tuple[Endpoint, ...]
    outages: tuple[KnownOutage, ...]
    spans: tuple[tuple[int, ObservedSpan], ...]
    incidents: tuple[tuple[Incident, Known], ...]
    costs: tuple[CostEntry, ...]
    maintenance: tuple[MaintenanceWindow, ...]

    @property
    def critical(self) -> list[Endpoint]:
        """The endpoints that count for the uptime gate, paused ones too."""
        return [endpoint for endpoint in self.endpoints if endpoint.critical]

    @property
    def intelligence_api(self) -> list[Endpoint]:
        """The five endpoints of the intelligence API, by address."""
        chosen = [endpoint for endpoint in self.endpoints if endpoint.intelligence_api]
        return sorted(chosen, key=lambda endpoint: (endpoint.url, endpoint.pk))

    def records(self, endpoints: Iterable[Endpoint], window: Window) -> dict[int, EndpointRecord]:
        """What is known of each endpoint that touches `window`, by endpoint id."""
        outages: dict[int, list[OutageFacts]] = defaultdict(list)
        for known in self.outages:
            outages[known.endpoint.pk].append(known.facts)
        spans: dict[int, list[Window]] = defaultdict(list)
        for endpoint_id, span in self.spans:
            clipped = window_or_none(span.started_at, min(span.ended_at, self.knowledge.at))
            if clipped and clipped.start < window.end and clipped.end > window.start:
                spans[endpoint_id].append(clipped)
        return {
            endpoint.pk: EndpointRecord(
                key=endpoint.name,
                spans=union(spans[endpoint.pk]),
                outages=tuple(outages[endpoint.pk]),
                excluded=union(
                    Window(one.starts_at, one.ends_at) for one in self.maintenance if one.concerns(endpoint)
                ),
            )
            for endpoint in endpoints
        }

    def cost_facts(self) -> tuple[CostFacts, ...]:
        """The cost entries as the domain reads them."""
        amounts = self.knowledge.amounts
        return tuple(
            CostFacts(
                day=row.day,
                service=row.service,
                amount=amounts.get(row.pk, row.amount),
                kind=CostKind(row.kind),
            )
            for row in self.costs
        )


def load_material(*, knowledge: Knowledge, since: datetime, cost_days_since: datetime) -> Material:
    """Read what was known at `knowledge.at` of the time since `since`. Seven queries, and one more for each
    outage that has gone on since."""
    endpoints = tuple(Endpoint.objects.filter(knowledge.written("endpoints")).order_by("name", "id"))
    by_id = {endpoint.pk: endpoint for endpoint in endpoints}
    return Material(
        knowledge=knowledge,
        endpoints=endpoints,
        outages=tuple(_outages(by_id, since, knowledge.at)),
        spans=tuple(_spans(by_id, since, knowledge.at)),
        incidents=tuple(_incidents(since, knowledge)),
        costs=tuple(_costs(cost_days_since, knowledge)),
        maintenance=tuple(_maintenance(since, knowledge)),
    )


def _spans(by_id: Collection[int], since: datetime, at: datetime) -> Iterable[tuple[int, ObservedSpan]]:
    rows = ObservedSpan.objects.filter(ended_at__gt=since, started_at__lt=at).order_by(
        "endpoint_id", "started_at"
    )
    return ((row.endpoint_id, row) for row in rows if row.endpoint_id in by_id)


def _outages(by_id: Mapping[int, Endpoint], since: datetime, at: datetime) -> Iterable[KnownOutage]:
    # A probe that began before `at` may have ended, and failed, a little after it.
    rows = Outage.objects.touching(since, at + _LONGEST_PROBE).order_by("first_bad_at", "id")
    for row in rows:
        endpoint = by_id.get(row.endpoint_id)
        known = _as_known(row, endpoint, at) if endpoint else None
        if known:
            yield known


def _as_known(row: Outage, endpoint: Endpoint, at: datetime) -> KnownOutage | None:
    """The outage as it stood at `at`; None when nobody knew of it."""
    settled_by = row.first_good_at or max(row.first_bad_at, row.last_bad_at)
    if settled_by <= at and (row.first_good_at is not None or row.last_bad_at < at):
        return KnownOutage(row, outage_facts(row), endpoint, row.failures)
    start = row.last_good_at or row.first_bad_at - _LONGEST_PROBE
    observations = (
        HealthLog.objects.filter(
            endpoint_id=row.endpoint_id,
            ts__gte=start,
            ts__lt=at,
            source__in=(Source.MONITOR.value, Source.SYNTHETIC.value),
        )
        .order_by("ts", "id")
        .values_list("ts", "ended_at", "ok")
    )
    seen = [Observation(ts, ended_at or ts, ok) for ts, ended_at, ok in observations]
    if not seen:
        facts, failures = _without_log(row, at), row.failures
    else:
        hold = timedelta(seconds=endpoint.hold_s)
        facts, failures = (
            _retold(seen, last_good_at=row.last_good_at, hold=hold),
            sum(not one.ok for one in seen),
        )
    return KnownOutage(row, facts, endpoint, failures) if facts else None


def _retold(
    seen: Iterable[Observation], *, last_good_at: datetime | None, hold: timedelta
) -> OutageFacts | None:
    """The last outage that these observations tell of, as the recording would have left it."""
    trail, closed = Trail(last_good_at=last_good_at), None
    for observation in seen:
        trail, ended = trail.advance(observation, hold=hold)
        closed = ended or closed
    return trail.outage or closed


def _without_log(row: Outage, at: datetime) -> OutageFacts | None:
    """The same where the log of that time has been dropped: down without a break up to `at`."""
    if row.first_bad_at >= at:
        return None
    facts = outage_facts(row)
    return OutageFacts(
        facts.last_good_at,
        facts.first_bad_at,
        min(facts.last_bad_at, at),
        None,
        confirmed=facts.confirmed,
        unseen=facts.unseen,
    )


def _incidents(since: datetime, knowledge: Knowledge) -> Iterable[tuple[Incident, Known]]:
    """The incidents and what was known of each: a replay reads its time line as far as it was written."""
    rows = Incident.objects.perhaps_touching(since, knowledge.at + timedelta(microseconds=1)).with_story()
    for row in rows.filter(knowledge.written("incidents")).order_by("opened_at", "id"):
        # One that was written later was kept by the verdict that used it: as it was when it was opened.
        known = row.known_at(knowledge.at if knowledge.sealed else _EVER) or row.known_at(row.created_at)
        if known is None:
            continue
        if known.resolved_at is not None and known.resolved_at > knowledge.at:
            known = replace(known, resolved_at=None)
        yield row, known


def _maintenance(since: datetime, knowledge: Knowledge) -> Iterable[MaintenanceWindow]:
    """Windows that take time out of uptime. Marked or withdrawn afterwards, it did not count before that."""
    standing = Q(withdrawn_at__isnull=True)
    if knowledge.sealed:
        standing |= Q(withdrawn_at__gt=knowledge.at)
    rows = MaintenanceWindow.objects.filter(
        standing,
        knowledge.written("maintenance_windows"),
        exclude_from_uptime=True,
        starts_at__lt=knowledge.at,
        ends_at__gt=since,
    )
    return rows.prefetch_related("endpoints").order_by("starts_at", "id")


def _costs(since: datetime, knowledge: Knowledge) -> Iterable[CostEntry]:
    today = knowledge.at.astimezone(UTC).date()
    first = min(since.astimezone(UTC).date(), today)
    return (
        CostEntry.objects.filter(knowledge.written("cost_entries"), day__range=(first, today))
        .order_by("day", "service", "kind", "id")
        .iterator()
    )
