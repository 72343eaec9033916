"""What a probe is asked to do, what it reports, and how an answer is judged."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from math import isfinite
from typing import Final
from urllib.parse import quote

from monitoring.domain.assertions import Answer, Condition, first_failure

MOST_REDIRECTS: Final = 3
LONGEST_TIMEOUT_S: Final = 300.0
LONGEST_ERROR: Final = 400
MOST_HEADERS: Final = 50
LONGEST_HEADERS: Final = 16 * 1024
LARGEST_REQUEST_BODY: Final = 1024 * 1024
SHORTEST_SECRET: Final = 4

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# What frames the request or follows from the URL is the prober's own.
OWN_HEADERS: Final = frozenset(
    {
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "accept-encoding",
        "expect",
        "te",
        "upgrade",
    }
)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSTORABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]+")


class ErrorClass(StrEnum):
    """Why a probe failed; NONE when it did not."""

    NONE = ""
    INVALID_REQUEST = "invalid_request"
    REFUSED_ADDRESS = "refused_address"
    REFUSED_REDIRECT = "refused_redirect"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    DROPPED = "dropped"
    PROTOCOL = "protocol"
    TOO_LARGE = "too_large"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    BAD_STATUS = "bad_status"
    ASSERTION = "assertion"


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """One probe to make.

    `key` is the caller's own mark and comes back in the result. `expected_status` None leaves the status to
    the conditions. `timeout_s` covers everything: lookup, connections, redirects and the last byte.
    `max_redirects` 0 takes the first answer as it is; an answer with the expected status is never followed.
    """

    key: int | str
    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes | None = field(default=None, repr=False)
    expected_status: int | None = 200
    conditions: tuple[Condition, ...] = ()
    timeout_s: float = 10.0
    max_redirects: int = MOST_REDIRECTS


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What one probe found.

    `status` is 0 when no answer came. `latency_ms` is the HTTP library's own time from the start of the
    connection to the last byte, summed over redirects, without the name lookup and without any waiting inside
    the prober; None when nothing was sent. A failed probe may carry a status and a latency: those of the
    answer that failed.
    """

    key: int | str
    started_at: datetime
    ended_at: datetime
    status: int
    ok: bool
    latency_ms: float | None
    error_class: ErrorClass = ErrorClass.NONE
    error: str = ""
    failed_assertion: str = ""
    certificate_expires_at: datetime | None = None
    ip: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether an answer is what was asked for."""

    error_class: ErrorClass = ErrorClass.NONE
    error: str = ""
    failed_assertion: str = ""


PASSED: Final = Judgement()


def request_fault(request: ProbeRequest) -> str | None:
    """Say what is wrong with a request and how to mend it, or None. Header values are never repeated."""
    if request.method not in METHODS:
        return f"method {request.method[:20]!a} is not one of {', '.join(sorted(METHODS))}"
    if not (isfinite(request.timeout_s) and 0 < request.timeout_s <= LONGEST_TIMEOUT_S):
        return f"timeout_s is {request.timeout_s}; give seconds above 0 and up to {LONGEST_TIMEOUT_S:g}"
    if not 0 <= request.max_redirects <= MOST_REDIRECTS:
        return f"max_redirects is {request.max_redirects}; give 0 to {MOST_REDIRECTS}"
    if request.body is not None and len(request.body) > LARGEST_REQUEST_BODY:
        return f"the request body is larger than {LARGEST_REQUEST_BODY} bytes"
    return _headers_fault(request.headers) if request.headers else None


def _headers_fault(headers: tuple[tuple[str, str], ...]) -> str | None:
    if (
        len(headers) > MOST_HEADERS
        or sum(len(name) + len(value) for name, value in headers) > LONGEST_HEADERS
    ):
        return (
            f"the headers are more than {MOST_HEADERS} or longer than {LONGEST_HEADERS} characters together"
        )
    for at, (name, value) in enumerate(headers, start=1):
        if not _TOKEN.fullmatch(name):
            return f"header {at} has a name with characters that no header name may hold"
        if name.lower() in OWN_HEADERS:
            return f"header {name} is set by the prober itself; remove it"
        if not all(character.isprintable() or character == "\t" for character in value):
            return f"header {name} has a value with a line break or another control character; remove it"
    return None


def masker(request: ProbeRequest) -> Callable[[str], str]:
    """Return a function that hides the request's header values, and the parts of them, in a text.

    An answer may repeat a header; its words must not carry the secret into the log. Values shorter than
    SHORTEST_SECRET characters are left alone.
    """
    secrets: set[str] = set()
    for _, value in request.headers:
        for part in (value.strip(), *re.split(r"[\s;,=]+", value)):
            if len(part) >= SHORTEST_SECRET:
                secrets |= {part, json.dumps(part)[1:-1], quote(part), quote(part, safe="")}
    if not secrets:
        return str
    longest_first = sorted(secrets, key=len, reverse=True)
    pattern = re.compile("|".join(re.escape(secret) for secret in longest_first), re.IGNORECASE)
    return lambda text: pattern.sub("•••", text)


def storable(text: str) -> str:
    """Make a text fit for one line of a log: no control characters, no lone surrogates, not endless."""
    flat = _UNSTORABLE.sub(" ", text)
    return flat if len(flat) <= LONGEST_ERROR else flat[:LONGEST_ERROR] + "…"


def judge(request: ProbeRequest, answer: Answer) -> Judgement:
    """Compare an answer with what the request expects: the status first, then the conditions in order."""
    if request.expected_status is not None and answer.status != request.expected_status:
        error = f"answered {answer.status}, expected {request.expected_status}"
        return Judgement(ErrorClass.BAD_STATUS, error)
    words = first_failure(request.conditions, answer, lambda text: masker(request)(text))
    if words is None:
        return PASSED
    error = "an assertion failed"
    if answer.body[:2] == b"\x1f\x8b":
        error += "; the body came compressed although the probe asked for it plain, and is judged as it came"
    return Judgement(ErrorClass.ASSERTION, error, words)
