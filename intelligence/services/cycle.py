"""The intelligence cycle: collect, detect, heal, decide, log. Constant queries, however many endpoints."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from intelligence.domain.healing import ActionState, has_recovered
from intelligence.domain.series import WATCHED
from intelligence.models import IntelAction, IntelEvent
from intelligence.services import healing
from intelligence.services.collecting import (
    PLATFORM,
    QUARTERLY,
    Collected,
    collect_days,
    collect_quarters,
    collect_queue,
    last_quarter,
    merged,
    sample_queue,
)
from intelligence.services.deciding import decide
from intelligence.services.detecting import LEARN_FROM, detect, known_since, store_events
from monitoring.clients import broker
from monitoring.models import AlertEpisode, Endpoint
from tenancy.context import control_transaction
from tenancy.models import Tenant
from tenancy.services.members import default_tenant

_RECENT = timedelta(days=1)
_DAILY_HISTORY = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class CycleReport:
    """What one cycle did."""

    series: int
    points: int
    waiting: int
    events: int
    actions: int
    verified: int
    recommendations: int

    @property
    def summary(self) -> str:
        """One sentence for the ledger."""
        later = f", {self.waiting} series to be learned later" if self.waiting else ""
        return (
            f"{self.series} series, {self.points} points{later}; {self.events} anomalies, {self.actions} actions,"
            f" {self.verified} verified, {self.recommendations} recommendations stand"
        )


def run_cycle(now: datetime) -> CycleReport:
    """This will look at everything new up to `now`. Running it again finds nothing twice.

    Needs no open transaction: between its own, actions call the outside.
    """
    depth = broker.depth()
    with control_transaction("intelligence cycle"):
        owner = default_tenant()
        until = last_quarter(now)
        sample_queue(depth, until)
        collected = _collect(owner, until, now)
        detected = detect(collected, now=now)
        events = store_events(detected.findings)
        open_alerts = list(AlertEpisode.objects.open())
    ailments = [healing.ailment_of_event(event, finding.series.subsystem) for finding, event in events]
    ailments += [healing.ailment_of_alert(episode) for episode in open_alerts]
    healing.give_up_stale(now)
    healing.propose(ailments, now=now)
    with control_transaction("intelligence cycle"):
        waiting = healing.waiting_actions()
    done = healing.pursue(waiting, now=now)
    verified = _verify(collected, now)
    standing = decide(now=now, tenant=owner)
    acted = sum(action.state in (ActionState.SUCCEEDED.value, ActionState.FAILED.value) for action in done)
    return CycleReport(
        detected.series, detected.points, detected.waiting, len(events), acted, verified, standing
    )


def _collect(owner: Tenant, until: datetime, now: datetime) -> Collected:
    """What is new of every series: those that are remembered from where they stopped, others from a week ago."""
    endpoints = list(Endpoint.objects.filter(enabled=True).order_by("pk"))
    recent = {
        key: at
        for key, at in known_since().items()
        if until - at < _RECENT and key.rpartition(":")[2] in QUARTERLY
    }
    prefixes = {key.rpartition(":")[0] for key in recent}
    known = [one for one in endpoints if f"endpoint:{one.pk}" in prefixes]
    new = [one for one in endpoints if f"endpoint:{one.pk}" not in prefixes]
    platform_known = PLATFORM in prefixes
    parts = []
    if known or platform_known:
        since = last_quarter(min(recent.values()))
        parts.append(collect_quarters(known, owner.pk if platform_known else None, since=since, until=until))
    if new or not platform_known:
        since = until - LEARN_FROM
        parts.append(collect_quarters(new, None if platform_known else owner.pk, since=since, until=until))
    parts.append(collect_queue(owner.pk, since=until - LEARN_FROM, until=until))
    today = now.astimezone(UTC).date()
    parts.append(collect_days(owner.pk, since=today - _DAILY_HISTORY, now=now))
    return merged(parts)


def _verify(collected: Collected, now: datetime) -> int:
    """This will note of each action whose time has come whether its metric came back."""
    with control_transaction("healing: verify"):
        due = list(
            IntelAction.objects.select_for_update(of=("self",))
            .select_related("event")
            .filter(verify_at__lte=now, verified_at__isnull=True)
        )
        episodes = AlertEpisode.objects.in_bulk([one.heals_alert for one in due if one.heals_alert])
        for action in due:
            if action.event is not None:
                action.recovered = _event_recovered(action.event, collected)
            elif action.heals_alert in episodes:
                action.recovered = episodes[action.heals_alert].resolved_at is not None
            action.verified_at = now
            words = {True: "It recovered.", False: "It did not recover.", None: "Not known: no newer data."}
            action.verification = words[action.recovered]
            action.metadata = {**action.metadata, "verification": action.verification}
            action.save()
            healing.note_verification(action, now)
        return len(due)


def _event_recovered(event: IntelEvent, collected: Collected) -> bool | None:
    series = next((one for one in collected.series if one.key == event.series), None)
    if series is None:
        return None
    later = [value for at, value in collected.points[series.key] if at > event.ts and value is not None]
    return has_recovered(
        direction=WATCHED[series.kind],
        expected=event.mean,
        anomalous=event.value,
        newest=later[-1] if later else None,
    )
