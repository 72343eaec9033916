"""The prober of a simulation: claims and records as the real one does, and asks a script instead of a network."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from monitoring.domain.observing import Source
from monitoring.domain.probes import ProbeResult
from monitoring.domain.scenario import Scenario
from monitoring.domain.schedules import Every, next_slot
from monitoring.domain.scripted import TIMEOUT_S, ScriptedPlatform
from monitoring.models import Endpoint, EndpointState
from monitoring.services.endpoints import API_COMPONENT, INTELLIGENCE_API, Watch, watch_endpoint
from monitoring.services.probing import LEASE_SLACK_S, TICK_S, claim_due
from monitoring.services.recording import record_probes
from tenancy.services.members import default_tenant

_TICK = Every(TICK_S)
_LEASE = timedelta(seconds=TIMEOUT_S + LEASE_SLACK_S)
_SECOND = timedelta(seconds=1)
# A batch is one transaction: large ones are fast, and a small one is what a failure is recorded in.
_LARGEST_BATCH = 5000


def watch_script(scenario: Scenario) -> list[Endpoint]:
    """This will put the script's endpoints and the portal's intelligence endpoints under watch."""
    tenant, now = default_tenant(), scenario.starts_at
    found = [
        watch_endpoint(
            Watch(
                url=f"https://simulated.invalid/{scripted.name}",
                name=scripted.name,
                component="SIMULATED",
                interval_s=scripted.interval_s,
                pulse_s=scripted.pulse_s,
                critical=scripted.critical,
                timeout_s=TIMEOUT_S,
            ),
            tenant=tenant,
            now=now,
        )
        for scripted in scenario.endpoints
    ]
    for part in INTELLIGENCE_API:
        watch = Watch(
            url=f"https://simulated.invalid/api/intelligence/{part}",
            name=f"intelligence {part}",
            component=API_COMPONENT,
            interval_s=scenario.api_interval_s,
            pulse_s=scenario.api_interval_s,
            timeout_s=TIMEOUT_S,
        )
        found.append(watch_endpoint(watch, tenant=tenant, now=now, intelligence_api=True))
    return found


class ScriptedProber:
    """Probes on the ticks of the schedule, from where it stopped.

    What was claimed is answered at once and recorded in large batches; what failed, and what comes back from
    a failure, is recorded at once, because it changes when the endpoint is due.
    """

    def __init__(self, platform: ScriptedPlatform, endpoints: Sequence[Endpoint], *, now: datetime) -> None:
        self._platform = platform
        self._endpoints = {endpoint.pk: endpoint for endpoint in endpoints}
        self._due = dict.fromkeys(self._endpoints, now)
        self._pending: list[tuple[Endpoint, ProbeResult]] = []
        self._claimed: dict[int, datetime] = {}
        self._ailing: set[int] = set(self._endpoints)
        self._done_until = now - _SECOND
        self.probes = 0

    def endpoint_named(self, name: str) -> Endpoint:
        """The scripted endpoint of that name."""
        return next(one for one in self._endpoints.values() if one.name == name)

    def probe_until(self, moment: datetime) -> None:
        """This will probe everything that falls due up to `moment`."""
        while (tick := self._next_tick()) <= moment:
            self._done_until = tick
            back_at = self._platform.prober_back_at(tick)
            if back_at > tick:
                self._done_until = min(back_at - _SECOND, moment)
                if back_at > moment:
                    return
                continue
            self._probe(tick)
        self._done_until = max(self._done_until, moment)

    def _next_tick(self) -> datetime:
        """The next tick at which anything is due; those before it would claim nothing."""
        # A tick looks a second ahead.
        soonest = max(min(self._due.values()) - 2 * _SECOND, self._done_until)
        return next_slot(_TICK, soonest)

    def _probe(self, tick: datetime) -> None:
        if any(tick - at <= _LEASE for pk, at in self._claimed.items() if self._due[pk] <= tick + _SECOND):
            self.flush()  # what is recorded gives its claim back
        claimed = claim_due(now=tick)
        eventful = False
        for pk in sorted(claimed):
            endpoint = self._endpoints[pk]
            at = tick + timedelta(milliseconds=5)
            is_api = endpoint.intelligence_api
            result = self._platform.probe(str(pk), endpoint.name, at, is_api=is_api)
            self._pending.append((endpoint, result))
            cadence = timedelta(seconds=endpoint.cadence_s)
            planned = self._due[pk] + cadence
            self._due[pk] = planned if planned > tick else tick + cadence
            self._claimed[pk] = tick
            if not result.ok or pk in self._ailing:
                eventful = True
                (self._ailing.discard if result.ok else self._ailing.add)(pk)
        self.probes += len(claimed)
        if eventful or len(self._pending) >= _LARGEST_BATCH:
            self.flush()
        elif not claimed:
            self._read_due()

    def flush(self) -> None:
        """This will record what was answered."""
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        record_probes(pending, source=Source.MONITOR)
        self._claimed.clear()
        self._read_due()

    def _read_due(self) -> None:
        """When each is due, as the database says: the claim goes by it, and failures change it."""
        self._due.update(EndpointState.objects.values_list("endpoint_id", "next_due_at"))
