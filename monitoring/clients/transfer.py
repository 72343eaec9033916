"""One HTTP exchange on one reusable libcurl handle: what is set, what is refused, what its errors mean."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pycurl

from monitoring.domain.outbound import Target
from monitoring.domain.probes import ErrorClass, ProbeRequest

LARGEST_BODY: Final = 1024 * 1024
USER_AGENT: Final = "levqor-portal-probe/1"

# https://curl.se/libcurl/c/libcurl-errors.html
_ERRORS: Final[dict[int, ErrorClass]] = {
    **dict.fromkeys((5, 6), ErrorClass.DNS),
    7: ErrorClass.CONNECT,
    **dict.fromkeys((18, 52, 55, 56), ErrorClass.DROPPED),
    **dict.fromkeys((23, 27, 63, 100), ErrorClass.TOO_LARGE),
    28: ErrorClass.TIMEOUT,
    **dict.fromkeys((35, 51, 53, 54, 58, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91, 98), ErrorClass.TLS),
}
_WORDS: Final = {
    ErrorClass.CONNECT: "no connection",
    ErrorClass.DROPPED: "the connection was dropped before the answer was complete",
    ErrorClass.TOO_LARGE: "the answer is larger than a probe reads",
    ErrorClass.TLS: "no trusted TLS connection",
    ErrorClass.PROTOCOL: "no valid HTTP answer",
    ErrorClass.DNS: "the name was not found",
}


class _PinnedSocket(socket.SocketType):
    """A socket that closes without a warning: libcurl keeps a duplicate and drops this one at once."""

    def __del__(self) -> None:
        self.close()


@dataclass(slots=True)  # not frozen: that costs three times as much, once per check
class Received:
    """What one exchange brought: status 0 when no answer came, the class NONE when it is complete."""

    status: int
    seconds: float
    connected: bool
    ip: str
    location: str
    error_class: ErrorClass
    error: str
    certificate_expires_at: datetime | None


class Exchange:
    """A reusable handle with its buffer. Each use is a new connection to one checked address.

    Nothing is remembered between uses: no cookies, no connection, no TLS session, no credentials, no proxy.
    """

    __slots__ = (
        "_chunks",
        "_custom",
        "_headers",
        "_headers_read",
        "_keep",
        "_pinned",
        "_size",
        "handle",
        "owner",
    )

    def __init__(self) -> None:
        """Prepare a handle; `owner` is free for the loop that uses it."""
        self.handle: Any = pycurl.Curl()
        self.owner: Any = None
        self._chunks: list[bytes] = []
        self._size = 0
        self._headers_read: list[bytes] = []
        self._keep = False
        self._pinned: tuple[str, int] = ("", 0)
        self._custom = False
        self._headers: tuple[tuple[str, str], ...] = ()
        self._set_constants()

    def _set_constants(self) -> None:
        """Set what is the same for every probe."""
        set_option = self.handle.setopt
        set_option(pycurl.NOSIGNAL, 1)  # signals and threads do not mix
        set_option(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        set_option(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        set_option(pycurl.FOLLOWLOCATION, 0)
        set_option(pycurl.PATH_AS_IS, 1)
        set_option(pycurl.PROXY, b"")  # an empty proxy also switches the proxy variables off
        set_option(pycurl.NOPROXY, b"*")
        set_option(pycurl.NETRC, 0)
        set_option(pycurl.FRESH_CONNECT, 1)
        set_option(pycurl.FORBID_REUSE, 1)
        set_option(pycurl.SSL_SESSIONID_CACHE, 0)
        set_option(pycurl.DNS_CACHE_TIMEOUT, 0)
        set_option(pycurl.SSL_VERIFYPEER, 1)
        set_option(pycurl.SSL_VERIFYHOST, 2)
        set_option(pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2)
        set_option(pycurl.OPT_CERTINFO, 1)
        set_option(pycurl.MAXFILESIZE, LARGEST_BODY)
        set_option(pycurl.USERAGENT, USER_AGENT.encode())
        set_option(pycurl.HTTPHEADER, _header_lines(()))
        self._headers = ()
        set_option(pycurl.WRITEFUNCTION, self._write)
        set_option(pycurl.HEADERFUNCTION, self._headers_read.append)  # libcurl ends it at 300 kB
        set_option(pycurl.OPENSOCKETFUNCTION, self._open_socket)

    def _write(self, chunk: bytes) -> int | None:
        self._size += len(chunk)
        if self._size > LARGEST_BODY:
            return 0  # fewer bytes than were given: libcurl breaks the transfer off
        if self._keep:
            self._chunks.append(chunk)
        return None

    def _location(self) -> str:
        """Return the last Location header; undecodable bytes become characters that the URL check refuses."""
        for line in reversed(self._headers_read):
            if line[:9].lower() == b"location:":
                return line[9:].strip().decode("utf-8", "surrogateescape")
            if line[:5] == b"HTTP/":
                break  # what came before belongs to an interim answer
        return ""

    def _open_socket(self, _purpose: int, address: Any) -> Any:
        """Open a socket to the pinned address only: the second fence, should libcurl ever look elsewhere."""
        if tuple(address.addr[:2]) != self._pinned:
            return pycurl.SOCKET_BAD
        return _PinnedSocket(address.family, address.socktype, address.protocol)

    def prepare(
        self,
        request: ProbeRequest,
        target: Target,
        address: str,
        *,
        method: str,
        trusted: bool,
        timeout_s: float,
        connect_timeout_s: float,
        ca_bundle: str,
    ) -> None:
        """Set the handle up for one hop. Headers and body go along only when the target is `trusted`."""
        set_option = self.handle.setopt
        # A body that nobody reads is counted and dropped: hundreds of large ones at once cost no memory.
        self._keep = any(condition.reads_body for condition in request.conditions)
        self._headers_read.clear()
        self._chunks, self._size, self._pinned = [], 0, (address, target.port)
        where = f"[{address}]" if ":" in address else address
        set_option(pycurl.URL, target.url.encode())
        set_option(pycurl.CONNECT_TO, [f"::{where}:{target.port}"])
        set_option(pycurl.TIMEOUT_MS, max(1, int(timeout_s * 1000)))
        set_option(pycurl.CONNECTTIMEOUT_MS, max(1, int(connect_timeout_s * 1000)))
        if target.scheme == "https":
            set_option(pycurl.CAINFO, ca_bundle.encode())
        headers = request.headers if trusted else ()
        if headers != self._headers:
            self._headers = headers
            set_option(pycurl.HTTPHEADER, _header_lines(headers))
        self._set_method(method, request.body if trusted else None)

    def _set_method(self, method: str, body: bytes | None) -> None:
        set_option = self.handle.setopt
        if method != "GET" or body is not None:
            self._custom = True
            set_option(pycurl.CUSTOMREQUEST, method.encode())
            if method == "HEAD":
                set_option(pycurl.NOBODY, 1)
            elif body is not None or method in {"POST", "PUT", "PATCH"}:
                set_option(pycurl.POSTFIELDS, body or b"")

    def received(self, code: int, message: str) -> Received:
        """Read the outcome of the transfer that has just ended with libcurl's `code` (0 when complete)."""
        get = self.handle.getinfo
        status = get(pycurl.RESPONSE_CODE)
        error_class, error = ErrorClass.NONE, ""
        if code:
            error_class = _ERRORS.get(code, ErrorClass.PROTOCOL)
            if message.startswith("Too large response headers"):  # which libcurl counts as a receive error
                error_class = ErrorClass.TOO_LARGE
            error = f"{_WORDS.get(error_class, '')}: {message or pycurl_name(code)}"
        return Received(
            status,
            get(pycurl.TOTAL_TIME_T) / 1e6,
            get(pycurl.CONNECT_TIME_T) > 0,
            get(pycurl.PRIMARY_IP) or "",
            self._location() if 300 <= status < 400 else "",
            error_class,
            error,
            None
            if code or self.handle.getinfo(pycurl.APPCONNECT_TIME_T) == 0
            else self._certificate_expiry(),
        )

    def body(self) -> bytes:
        """Return what was read of the body, as it came."""
        return b"".join(self._chunks)

    def _certificate_expiry(self) -> datetime | None:
        chain = self.handle.getinfo(pycurl.INFO_CERTINFO)
        for key, value in chain[0] if chain else ():
            if key == "Expire date":
                return datetime.strptime(value, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
        return None

    def release(self) -> None:
        """Forget everything about the last use."""
        self.owner = None
        self._chunks = []
        self._headers_read.clear()
        self._pinned = ("", 0)
        if self._custom:
            self.handle.reset()
            self._set_constants()
            self._custom = False


def pycurl_name(code: int) -> str:
    """Return a last resort for an error without words."""
    return f"libcurl error {code}"


def _header_lines(headers: tuple[tuple[str, str], ...]) -> list[bytes]:
    lines = [b"Accept-Encoding: identity", b"Connection: close", b"Expect:"]
    for name, value in headers:
        # libcurl sends an empty value only when it is written with a semicolon.
        lines.append(f"{name}: {value}".encode() if value.strip() else f"{name};".encode())
    return lines
