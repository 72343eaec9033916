from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.networks import ForbiddenAddress, OutboundPolicy, check_address, parse_policy

NOTHING = OutboundPolicy()
EVERYTHING = parse_policy(["0.0.0.0/0", "::/0"])

# address, a word of the reason
ALWAYS_CLOSED = [
    ("0.0.0.0", "unspecified"),
    ("0.1.2.3", "unspecified"),
    ("100.100.100.200", "metadata"),
    ("168.63.129.16", "metadata"),
    ("169.254.169.254", "link-local"),
    ("169.254.170.2", "link-local"),
    ("169.254.0.1", "link-local"),
    ("192.0.0.1", "protocol"),
    ("192.0.0.8", "protocol"),
    ("192.0.0.192", "protocol"),
    ("192.0.2.1", "documentation"),
    ("192.88.99.1", "6to4 relay"),
    ("198.18.0.1", "benchmarks"),
    ("198.19.255.255", "benchmarks"),
    ("198.51.100.1", "documentation"),
    ("203.0.113.1", "documentation"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.255", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "broadcast"),
    ("::", "unspecified"),
    ("::ffff:169.254.169.254", "link-local"),
    ("::ffff:0.0.0.0", "unspecified"),
    ("::127.0.0.1", "reserved"),  # IPv4-compatible, withdrawn
    ("::ffff:0:127.0.0.1", "reserved"),  # IPv4-translated (SIIT)
    ("64:ff9b::7f00:1", "127.0.0.1 inside it"),  # NAT64
    ("64:ff9b::169.254.169.254", "169.254.169.254 inside it"),
    ("64:ff9b::10.0.0.1", "10.0.0.1 inside it"),
    ("64:ff9b:1::1", "reserved"),
    ("100::1", "reserved"),
    ("2001::1", "inside it"),
    ("2001:0:4136:e378:8000:63bf:5601:5601", "inside it"),  # Teredo to a private client
    ("2001:2::1", "protocol"),
    ("2001:10::1", "protocol"),
    ("2001:20::1", "protocol"),
    ("2001:db8::1", "documentation"),
    ("2002:7f00:1::", "127.0.0.1 inside it"),  # 6to4
    ("2002:a9fe:a9fe::1", "169.254.169.254 inside it"),
    ("2002:c0a8:101::", "192.168.1.1 inside it"),
    ("2600::5efe:10.0.0.1", "10.0.0.1 inside it"),  # ISATAP
    ("2600::200:5efe:169.254.169.254", "169.254.169.254 inside it"),
    ("3fff::1", "documentation"),
    ("4000::1", "reserved"),
    ("5f00::1", "reserved"),
    ("fd00:ec2::254", "metadata"),
    ("fd20:ce::254", "metadata"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", "network interface"),
    ("fec0::1", "site-local"),
    ("ff02::1", "multicast"),
    ("ff0e::1", "multicast"),
]
OPENED_BY_THE_POLICY = [
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("10.0.0.1", "private"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.168.1.1", "private"),
    ("100.64.0.1", "carrier"),
    ("100.127.255.255", "carrier"),
    ("::1", "loopback"),
    ("fd12:3456::1", "unique local"),
    ("fc00::1", "unique local"),
    ("::ffff:127.0.0.1", "loopback"),
]
PUBLIC = [
    "1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.255.255", "172.32.0.1", "192.0.1.1",
    "192.169.0.1", "198.17.255.255", "198.20.0.1", "223.255.255.255", "2606:4700:4700::1111",
    "2001:4860:4860::8888", "2620:fe::fe", "64:ff9b::8.8.8.8", "2002:808:808::1",
]  # fmt: skip


@pytest.mark.parametrize("policy", [NOTHING, EVERYTHING], ids=["nothing", "everything"])
@pytest.mark.parametrize(("address", "reason"), ALWAYS_CLOSED)
def test_no_policy_opens_these(address, reason, policy):
    with pytest.raises(ForbiddenAddress, match=reason):
        check_address(address, policy)


@pytest.mark.parametrize(("address", "reason"), OPENED_BY_THE_POLICY)
def test_private_addresses_are_opened_by_name_only(address, reason):
    plain = ip_address(address)
    plain = getattr(plain, "ipv4_mapped", None) or plain

    with pytest.raises(ForbiddenAddress, match=f"{reason}.*PROBE_ALLOWED_NETWORKS does not list it"):
        check_address(address, NOTHING)
    with pytest.raises(ForbiddenAddress, match=reason):
        check_address(address, parse_policy(["192.168.77.0/24", "fd77::/16"]))
    assert check_address(address, OutboundPolicy((ip_network(plain),))) == plain
    assert check_address(plain, EVERYTHING) == plain


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_pass(address):
    assert check_address(address, NOTHING) == ip_address(address)


def test_a_mapped_address_becomes_the_ipv4_address_that_is_connected_to():
    assert check_address("::ffff:8.8.8.8", NOTHING) == ip_address("8.8.8.8")


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "1.2.3.4.5", "0x7f000001", "010.0.0.1"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ForbiddenAddress, match="is no IP address"):
        check_address(text, NOTHING)


def test_parse_policy_names_a_wrong_network():
    assert parse_policy([" 127.0.0.1 "]).allowed_networks == (ip_network("127.0.0.1/32"),)
    with pytest.raises(ValueError, match=r"'10.0.0.1/8' is no network .* write an address or a CIDR"):
        parse_policy(["10.0.0.1/8"])


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_that_passes_is_one_that_the_registry_calls_global(address):
    try:
        check_address(address, NOTHING)
    except ForbiddenAddress:
        return

    assert address.is_global
    assert not address.is_multicast


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_hides_in_no_other_spelling(address):
    forms = [
        f"::ffff:{address}",
        f"64:ff9b::{address}",
        f"2002:{int(address) >> 16:x}:{int(address) & 0xFFFF:x}::1",
    ]
    try:
        check_address(address, NOTHING)
    except ForbiddenAddress:
        for form in forms:
            with pytest.raises(ForbiddenAddress):
                check_address(form, NOTHING)
    else:
        for form in forms:
            check_address(form, NOTHING)


@given(st.ip_addresses(v=6))
def test_an_ipv6_address_that_passes_is_global_unicast_or_leads_to_public_ipv4(address):
    try:
        passed = check_address(address, NOTHING)
    except ForbiddenAddress:
        return

    assert passed.version == 4 or address in ip_network("2000::/3") or address in ip_network("64:ff9b::/96")
