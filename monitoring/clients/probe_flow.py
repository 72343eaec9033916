"""The way of one probe through lookups, hops and addresses, and what it comes to in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from monitoring.clients.resolver import Found
from monitoring.clients.transfer import Received
from monitoring.domain.assertions import Answer
from monitoring.domain.outbound import (
    OutboundPolicy,
    OutboundRefused,
    Target,
    check_address,
    check_redirect,
    check_url,
    same_recipient,
)
from monitoring.domain.probes import (
    ErrorClass,
    Judgement,
    ProbeRequest,
    ProbeResult,
    judge,
    masker,
    request_fault,
    storable,
)

MOST_RECORDS: Final = 32
MOST_ADDRESSES_TRIED: Final = 4
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_KEEPING_METHOD: Final = frozenset({307, 308})


@dataclass(slots=True)
class Flow:
    """One probe on its way. Times are seconds of the monotonic clock."""

    request: ProbeRequest
    target: Target
    origin: Target
    method: str
    began: float
    addresses: tuple[str, ...] = ()
    hops: int = 0
    trusted: bool = True  # until a redirect leads to somebody else; then for good
    sent: bool = False
    seconds: float = 0.0
    visited: frozenset[tuple[str, str]] = frozenset()
    looking_up: bool = False
    finished: bool = False

    @property
    def deadline(self) -> float:
        """When the whole probe must be over."""
        return self.began + self.request.timeout_s


def begin(request: ProbeRequest, now: float) -> Flow | Judgement:
    """Start the way of a probe, or return why it cannot be made."""
    fault = request_fault(request)
    if fault is not None:
        return Judgement(ErrorClass.INVALID_REQUEST, fault)
    try:
        target = check_url(request.url)
    except OutboundRefused as error:
        return Judgement(ErrorClass.REFUSED_ADDRESS, str(error))
    return Flow(request, target, target, request.method, now)


def record_check(policy: OutboundPolicy) -> Callable[[str], str]:
    """Return a check of one record that remembers its answers, for the time of one run.

    It gives the address to connect to, or raises ForbiddenAddress.
    """

    @cache
    def check(record: str) -> str:
        return str(check_address(record, policy))

    return check


def take_records(flow: Flow, found: Found, check: Callable[[str], str]) -> Judgement | None:
    """Check every record of the flow's name and keep the addresses; refuse the name when one is refused.

    A name that mixes public and forbidden addresses is an attack or a mistake; picking the good ones would
    hide it.
    """
    host = flow.target.host
    if isinstance(found, OSError):
        return Judgement(ErrorClass.DNS, f"{host} was not found: {found.strerror or found}")
    if not found:
        return Judgement(ErrorClass.DNS, f"{host} has no address")
    if len(found) > MOST_RECORDS:
        return Judgement(ErrorClass.REFUSED_ADDRESS, f"{host} has more than {MOST_RECORDS} addresses")
    try:
        checked = dict.fromkeys(map(check, found))
    except OutboundRefused as error:
        words = str(error) if flow.target.address is not None else f"{host} leads to {error}"
        return Judgement(ErrorClass.REFUSED_ADDRESS, words)
    flow.addresses = tuple(checked)[:MOST_ADDRESSES_TRIED]
    return None


def redirects(flow: Flow, received: Received) -> bool:
    """Tell whether the answer is a redirect that this probe follows."""
    return (
        received.error_class is ErrorClass.NONE
        and received.status in _REDIRECTS
        and received.status != flow.request.expected_status
        and flow.request.max_redirects > 0
        and bool(received.location)
    )


def follow(flow: Flow, received: Received) -> Judgement | None:
    """Turn the flow to where the redirect leads; return a judgement when it may not go there.

    Methods change as browsers change them (WHATWG Fetch): 303 and a redirected POST become GET.
    """
    try:
        target = check_redirect(flow.target, received.location)
    except OutboundRefused as error:
        return Judgement(
            ErrorClass.REFUSED_REDIRECT, f"answered {received.status} with a refused target: {error}"
        )
    method = flow.method
    if received.status not in _KEEPING_METHOD and method not in {"GET", "HEAD"}:
        method = "GET"
    flow.visited |= {(flow.method, flow.target.url)}
    if (method, target.url) in flow.visited:
        return Judgement(
            ErrorClass.TOO_MANY_REDIRECTS, f"the redirects lead in a circle, back to {target.shown}"
        )
    if flow.hops >= flow.request.max_redirects:
        limit = flow.request.max_redirects
        return Judgement(
            ErrorClass.TOO_MANY_REDIRECTS, f"more than {limit} redirects, the last to {target.shown}"
        )
    trusted = flow.trusted and same_recipient(flow.origin, target)
    if flow.request.body is not None and not trusted and method == flow.method:
        return Judgement(
            ErrorClass.REFUSED_REDIRECT,
            f"a redirect to {target.shown} asks to send the request body to another host",
        )
    flow.target, flow.method, flow.trusted = target, method, trusted
    flow.addresses = ()
    flow.hops += 1
    return None


def judge_received(flow: Flow, received: Received, body: bytes, ended: float, epoch: datetime) -> Judgement:
    """Judge what the last hop brought; for `ended` and `epoch` see `report`."""
    if received.error_class is ErrorClass.TIMEOUT:
        stage = "no complete answer" if received.connected else "no connection"
        return Judgement(ErrorClass.TIMEOUT, f"{stage} within {flow.request.timeout_s:g} s")
    if received.error_class is not ErrorClass.NONE:
        return Judgement(received.error_class, received.error)
    expires = received.certificate_expires_at
    left = None if expires is None else (expires - epoch).total_seconds() - ended
    answer = Answer(
        status=received.status,
        response_time_ms=flow.seconds * 1000,
        body=body,
        ip=received.ip,
        certificate_expires_in=left,
        connected=True,
    )
    return judge(flow.request, answer)


def report(
    request: ProbeRequest,
    judgement: Judgement,
    began: float,
    ended: float,
    epoch: datetime,
    *,
    flow: Flow | None = None,
    received: Received | None = None,
) -> ProbeResult:
    """Put the result together. `epoch` is the wall clock's time at the monotonic clock's zero."""
    mask = masker(request) if judgement.error_class else str
    return ProbeResult(
        key=request.key,
        started_at=epoch + timedelta(seconds=began),
        ended_at=epoch + timedelta(seconds=ended),
        status=received.status if received else 0,
        ok=judgement.error_class is ErrorClass.NONE,
        latency_ms=round(flow.seconds * 1000, 3) if flow and flow.sent else None,
        error_class=judgement.error_class,
        error=storable(mask(judgement.error)),
        failed_assertion=judgement.failed_assertion,
        certificate_expires_at=received.certificate_expires_at if received else None,
        ip=received.ip if received else "",
    )
