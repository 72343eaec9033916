"""The synthetic checks: everything probed in full, and the proof that the dense prober is alive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from monitoring.domain.figures import counted, duration
from monitoring.domain.observing import Source
from monitoring.models import Endpoint
from monitoring.services.endpoints import KNOWN_ANSWER
from monitoring.services.probing import batches, probe_endpoints

_NAMED = 5


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What a sweep found: `findings` are sentences, the gravest first."""

    probed: int
    failed: int
    findings: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """One sentence for the log, and the findings."""
        counts = f"{counted(self.probed, 'endpoint')} probed, {self.failed} failed."
        return " ".join([counts, *self.findings])


def sweep(*, now: datetime) -> SweepReport:
    """This will probe every enabled endpoint with all its assertions, as source `synthetic`.

    Before that it looks whether the dense prober kept its own times, above all for the known-answer endpoint:
    the portal's own, which answers whenever the portal runs. Its silence is the prober's fault.
    """
    with transaction.atomic():
        endpoints = list(Endpoint.objects.filter(enabled=True).select_related("state").order_by("name", "id"))
    if not endpoints:
        return SweepReport(0, 0, ("No endpoint is enabled: nothing is watched.",))
    stale = [endpoint for endpoint in endpoints if _is_stale(endpoint, now)]
    findings = _prober_findings(endpoints, stale, now)
    probed = failed = 0
    for ids in batches([endpoint.pk for endpoint in endpoints]):
        results, _ = probe_endpoints(ids, source=Source.SYNTHETIC)
        for endpoint, result in results:
            probed += 1
            if not result.ok:
                failed += 1
                why = result.failed_assertion or result.error
                if failed <= _NAMED:
                    findings.append(f"{endpoint.name}: {why}.")
    if failed > _NAMED:
        findings.append(f"{failed - _NAMED} more failed.")
    if probed < len(endpoints):
        findings.append(f"{counted(len(endpoints) - probed, 'endpoint')} brought no result.")
    return SweepReport(probed, failed, tuple(findings))


def _is_stale(endpoint: Endpoint, now: datetime) -> bool:
    """Whether nobody has observed it for more than a hold: the last sweep, 15 minutes ago, was not enough."""
    seen = endpoint.state.seen_until if hasattr(endpoint, "state") else None
    return now - (seen or endpoint.created_at) > timedelta(seconds=endpoint.hold_s)


def _prober_findings(endpoints: list[Endpoint], stale: list[Endpoint], now: datetime) -> list[str]:
    known = next((endpoint for endpoint in stale if endpoint.name == KNOWN_ANSWER), None)
    if known is not None:
        seen = known.state.seen_until if hasattr(known, "state") else None
        ago = f"{duration((now - seen).total_seconds())} ago" if seen else "never"
        return [
            f"The dense prober is stale: it saw {KNOWN_ANSWER!r}, whose answer is known, {ago}; "
            f"{len(stale)} of {counted(len(endpoints), 'endpoint')} went unobserved for too long."
        ]
    if stale:
        names = ", ".join(endpoint.name for endpoint in stale[:_NAMED])
        return [f"Unobserved for more than 2.5 intervals: {names}{' and others' * (len(stale) > _NAMED)}."]
    return []
