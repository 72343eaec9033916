"""Which URLs the portal may send to: a strict reading of the text, before any name is looked up.

The text is taken apart here and put together again in one canonical spelling, and only that spelling goes to
the HTTP library, so there is no second reading of the text that could find another host in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from urllib.parse import quote, urljoin

import idna

from monitoring.domain.networks import (
    Address,
    ForbiddenAddress,
    Network,
    OutboundPolicy,
    OutboundRefused,
    check_address,
    parse_policy,
)

__all__ = [
    "Address",
    "ForbiddenAddress",
    "ForbiddenRedirect",
    "ForbiddenUrl",
    "Network",
    "OutboundPolicy",
    "OutboundRefused",
    "Target",
    "check_address",
    "check_redirect",
    "check_url",
    "parse_policy",
]

LONGEST_URL: Final = 2048
LONGEST_HOST: Final = 253
DEFAULT_PORTS: Final = {"http": 80, "https": 443}

# Ports where something else than HTTP listens and could be talked into acting on a request: the block list of
# the WHATWG Fetch standard, and the usual ports of file shares, databases, queues and remote desktops.
FORBIDDEN_PORTS: Final = frozenset(
    [
        1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102,
        103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465,
        512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993,
        995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668,
        6669, 6679, 6697, 10080,
        445, 873, 1433, 1521, 3306, 3389, 5432, 5672, 5900, 6379, 9042, 11211, 27017,
    ]
)  # fmt: skip

_URL = re.compile(r"([^:/?#]*)://([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
# What RFC 3986 lets stand in a path or a query, and the characters that servers see unescaped anyway.
_KEPT_IN_PATH: Final = "/?:@!$&'()*+,;=%-._~[]|^{}`\"<>"


class ForbiddenUrl(OutboundRefused):
    """A text that is no URL the portal would send to. The message never repeats the whole text."""


class ForbiddenRedirect(OutboundRefused):
    """A redirect that the portal does not follow."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart: `host` is ASCII, lower case and without brackets, `path` includes the query.

    `address` is set when the host is written as an address and needs no lookup.
    """

    scheme: str
    host: str
    port: int
    path: str
    address: Address | None = None
    url: str = field(init=False, compare=False)  # the canonical spelling, kept because every probe sends it

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", f"{self.scheme}://{self.authority}{self.path}")

    @property
    def authority(self) -> str:
        """The host and, unless it is the scheme's own, the port, as the Host header writes them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def shown(self) -> str:
        """The URL for error texts: without the query, which may hold a secret, and not endless."""
        path = self.path.partition("?")[0]
        return f"{self.scheme}://{self.authority}{path if len(path) <= 100 else path[:100] + '…'}"


@lru_cache(maxsize=4096)
def check_url(text: str) -> Target:
    """Take a URL apart, or raise ForbiddenUrl with the reason. Names are not looked up here."""
    if len(text) > LONGEST_URL:
        raise ForbiddenUrl(f"the URL is longer than {LONGEST_URL} characters")
    _check_characters(text)
    found = _URL.fullmatch(text)
    if found is None or found[1].lower() not in DEFAULT_PORTS:
        raise ForbiddenUrl("the URL does not begin with http:// or https://")
    scheme = found[1].lower()
    host, port, address = _authority(found[2], scheme)
    path = quote((found[3] or "/") + (found[4] or ""), safe=_KEPT_IN_PATH)
    return Target(scheme, host, port, path, address)


def _check_characters(text: str) -> None:
    for at, character in enumerate(text, start=1):
        if character.isspace() or not character.isprintable() or character == "\\":
            raise ForbiddenUrl(
                f"the URL holds {character!a} at character {at}; spaces, control characters and backslashes "
                "are refused, write them percent-encoded"
            )


def _authority(text: str, scheme: str) -> tuple[str, int, Address | None]:
    if "@" in text:
        raise ForbiddenUrl("the URL holds a user name or password; send them in a header instead")
    if "%" in text:
        raise ForbiddenUrl("the host holds %; zone ids and percent-encoded hosts are refused")
    if text.startswith("["):
        bracket = text.rfind("]")
        inside, rest = text[1:bracket], text[bracket + 1 :]
        if bracket < 0 or (rest and not rest.startswith(":")):
            raise ForbiddenUrl("the brackets of the IPv6 address are not closed properly")
        try:
            parsed = IPv6Address(inside)
        except ValueError as error:
            raise ForbiddenUrl("what stands in brackets is no IPv6 address") from error
        address: Address | None = parsed.ipv4_mapped or parsed
        host = str(address)
    else:
        name, colon, port_text = text.partition(":")
        rest = colon + port_text
        host = _host(name)
        address = _literal(host)
    return host, _port(rest, scheme), address


def _port(text: str, scheme: str) -> int:
    if not text:
        return DEFAULT_PORTS[scheme]
    if not _PORT.fullmatch(text[1:]) or int(text[1:]) > 65535:
        raise ForbiddenUrl("the port is not a plain number from 1 to 65535")
    port = int(text[1:])
    if port in FORBIDDEN_PORTS:
        raise ForbiddenUrl(f"port {port} belongs to another protocol than HTTP")
    return port


def _host(name: str) -> str:
    host = name.lower()
    if host.endswith("."):
        host = host[:-1]
    if not host:
        raise ForbiddenUrl("the URL has no host")
    if not host.isascii() or any(label.startswith("xn--") for label in host.split(".")):
        try:
            host = idna.encode(host, strict=True).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise ForbiddenUrl(f"the host is no valid international name (IDNA 2008): {error}") from error
    if len(host) > LONGEST_HOST:
        raise ForbiddenUrl(f"the host is longer than {LONGEST_HOST} characters")
    if not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise ForbiddenUrl("the host holds an empty or over-long part or a character that no host name has")
    return host


def _literal(host: str) -> IPv4Address | None:
    """Return the address when the host is one; refuse every spelling but four plain decimal numbers.

    `0x7f.1`, `017700000001`, `2130706433` and `127.1` are all 127.0.0.1 to some resolver (WHATWG URL: a host
    that ends in a number is an IPv4 address).
    """
    if not _NUMERIC_LABEL.fullmatch(host.rpartition(".")[2]):
        return None
    try:
        return IPv4Address(host)
    except ValueError as error:
        raise ForbiddenUrl(
            "the host is an IPv4 address in an odd spelling; write four decimal numbers such as 192.0.2.1"
        ) from error


def check_redirect(came_from: Target, location: str) -> Target:
    """Return where a Location header leads from `came_from`; relative ones are joined (RFC 3986, section 5).

    Raises ForbiddenUrl, or ForbiddenRedirect for a step from https to http.
    """
    if len(location) > LONGEST_URL:
        raise ForbiddenUrl(f"the redirect is longer than {LONGEST_URL} characters")
    _check_characters(location)  # before joining, which drops some of them silently
    try:
        # What names a scheme stands for itself: joined, `http:host/` would become a path on the same host.
        joined = location if _SCHEME.match(location) else urljoin(came_from.url, location)
    except ValueError as error:
        raise ForbiddenUrl("the redirect is no URL") from error
    target = check_url(joined)
    if came_from.scheme == "https" and target.scheme == "http":
        raise ForbiddenRedirect(f"a redirect from https to http ({target.shown}) is not followed")
    return target


def same_recipient(one: Target, other: Target) -> bool:
    """Tell whether what was meant for `one` may be sent to `other`.

    The same host at the same port, or the same host moved from plain http to https on the usual ports.
    """
    if one.host != other.host:
        return False
    if (one.scheme, one.port) == (other.scheme, other.port):
        return True
    return (one.scheme, one.port, other.scheme, other.port) == ("http", 80, "https", 443)
