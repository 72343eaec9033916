"""Which addresses the portal may connect to. IPv6 outside of 2000::/3 is refused unless a rule names it.

`ipaddress.is_global` is not used: in Python 3.11 it calls 192.88.99.0/24, 64:ff9b:1::/48, 2002::/16,
3fff::/20, 5f00::/16, fec0::/10 and multicast reachable, and it does not look at the IPv4 address inside a
translated one.
Ranges: the IANA special-purpose address registries (RFC 6890 and its updates), and the metadata addresses
that cloud providers document.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class OutboundRefused(ValueError):
    """Something that the portal will not send to; the message says why in words for the operator."""


class ForbiddenAddress(OutboundRefused):
    """An address that must not be connected to."""


@dataclass(frozen=True, slots=True)
class OutboundPolicy:
    """What may be reached beyond the public internet.

    `allowed_networks` opens loopback, private, shared (CGNAT) and unique local addresses that lie in one of
    them, and nothing else: link-local, metadata, multicast and reserved addresses stay closed.
    """

    allowed_networks: tuple[Network, ...] = ()


def parse_policy(networks: Iterable[str]) -> OutboundPolicy:
    """Return the policy that allows `networks`, each an address or a CIDR; ValueError names a wrong one."""
    parsed = []
    for text in networks:
        try:
            parsed.append(ip_network(text.strip()))
        except ValueError as error:
            raise ValueError(
                f"{text!r} is no network ({error}); write an address or a CIDR such as 10.0.0.0/8"
            ) from error
    return OutboundPolicy(tuple(parsed))


def _named(networks: dict[str, str]) -> tuple[tuple[Network, str], ...]:
    return tuple((ip_network(text), reason) for text, reason in networks.items())


# First match wins, so that the metadata addresses inside an openable range stay closed.
_CLOSED: Final = _named(
    {
        "100.100.100.200/32": "a cloud metadata address",  # Alibaba Cloud, inside the shared range
        "168.63.129.16/32": "a cloud metadata address",  # Azure's virtual host address
        "169.254.0.0/16": "link-local, where clouds keep their metadata",
        "0.0.0.0/8": "unspecified (this network)",
        "192.0.0.0/24": "reserved for protocol assignments",
        "192.0.2.0/24": "reserved for documentation",
        "198.51.100.0/24": "reserved for documentation",
        "203.0.113.0/24": "reserved for documentation",
        "192.88.99.0/24": "the withdrawn 6to4 relay",
        "198.18.0.0/15": "reserved for benchmarks",
        "224.0.0.0/4": "multicast",
        "255.255.255.255/32": "broadcast",
        "240.0.0.0/4": "reserved",
        "fd00:ec2::/32": "a cloud metadata address",  # AWS
        "fd20:ce::254/128": "a cloud metadata address",  # Google Cloud
        "fd00:c1::a9fe:a9fe/128": "a cloud metadata address",  # Oracle Cloud
        "fd00:42::42/128": "a cloud metadata address",  # Scaleway
        "::/128": "unspecified",
        "fe80::/10": "link-local",
        "fec0::/10": "site-local, withdrawn",
        "ff00::/8": "multicast",
        "2001:db8::/32": "reserved for documentation",
        "3fff::/20": "reserved for documentation",
    }
)
_OPENABLE: Final = _named(
    {
        "127.0.0.0/8": "loopback",
        "10.0.0.0/8": "private",
        "172.16.0.0/12": "private",
        "192.168.0.0/16": "private",
        "100.64.0.0/10": "shared by a carrier (CGNAT)",
        "::1/128": "loopback",
        "fc00::/7": "unique local (private)",
    }
)
_NAT64: Final = IPv6Network("64:ff9b::/96")
_PROTOCOL_ASSIGNMENTS: Final = IPv6Network("2001::/23")
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_ISATAP_MARKS: Final = frozenset({0x00005EFE, 0x02005EFE})


def _refusal(address: Address, policy: OutboundPolicy) -> str | None:
    """Say why an address is refused, or return None when it may be connected to."""
    for network, reason in _CLOSED:
        if address in network:
            return reason
    for network, reason in _OPENABLE:
        if address in network:
            if any(address in allowed for allowed in policy.allowed_networks):
                return None
            return f"{reason}; PROBE_ALLOWED_NETWORKS does not list it"
    return _refusal_v6(address) if isinstance(address, IPv6Address) else None


def _refusal_v6(address: IPv6Address) -> str | None:
    # Translated forms lead to their IPv4 address somewhere else in the network, where what the operator
    # allowed for this machine means nothing: only public ones pass, whatever the policy.
    inside = _embedded(address)
    if inside:
        for one in inside:
            reason = _refusal(one, OutboundPolicy())
            if reason is not None:
                return f"{one} inside it is {reason}"
        return None
    if address in _PROTOCOL_ASSIGNMENTS:
        return "reserved for protocol assignments"
    return None if address in _GLOBAL_UNICAST else "reserved"


def _embedded(address: IPv6Address) -> tuple[IPv4Address, ...]:
    """Return the IPv4 addresses that a translated or tunnelled address leads to, none for a plain one."""
    if address in _NAT64:
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    if address in _GLOBAL_UNICAST and (int(address) >> 32) & 0xFFFFFFFF in _ISATAP_MARKS:
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    return ()


@lru_cache(maxsize=4096)
def check_address(address: Address | str, policy: OutboundPolicy) -> Address:
    """Return the address to connect to, or raise ForbiddenAddress with the reason.

    An IPv4-mapped IPv6 address comes back as the IPv4 address that the system would connect to.
    """
    if isinstance(address, str):
        try:
            address = ip_address(address)
        except ValueError as error:
            raise ForbiddenAddress(f"{address!r} is no IP address") from error
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            raise ForbiddenAddress(f"{address} is refused: it names a network interface")
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
    reason = _refusal(address, policy)
    if reason is not None:
        raise ForbiddenAddress(f"{address} is refused: {reason}")
    return address
