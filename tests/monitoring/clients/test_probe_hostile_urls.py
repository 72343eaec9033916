"""URLs that try to bring the prober to where it may not go. None may open a socket to anything but 127.0.0.2.

Listeners stand on every loopback address at the port that the URLs name, so a connection that a guard missed
would arrive and be counted; every socket that libcurl opens is recorded as well, which also covers addresses
where nobody listens here.
"""

import pycurl
import pytest

from monitoring.clients import transfer
from monitoring.clients.probe import ErrorClass, ProbeRequest, probe_batch
from monitoring.domain.outbound import parse_policy
from tests.monitoring.clients.servers import Behaviour, LocalServer, redirect, reply

ALLOWED = "127.0.0.2"
POLICY = parse_policy([ALLOWED])

# {p} is the port where the forbidden listeners and the allowed server stand.
BY_ADDRESS = [
    "http://127.0.0.1:{p}/",
    "http://127.0.0.3:{p}/",
    "http://127.255.255.254:{p}/",
    "http://127.1:{p}/",
    "http://127.0.1:{p}/",
    "http://127.0.0.01:{p}/",
    "http://127.0.0.1.:{p}/",
    "http://0.0.0.0:{p}/",
    "http://0:{p}/",
    "http://00.00.00.00:{p}/",
    "http://2130706433:{p}/",
    "http://2130706433.:{p}/",
    "http://017700000001:{p}/",
    "http://0177.0.0.1:{p}/",
    "http://0177.0.0.01:{p}/",
    "http://0x7f000001:{p}/",
    "http://0x7f.0x0.0x0.0x1:{p}/",
    "http://0x7F.1:{p}/",
    "http://0x7f.0.1:{p}/",
    "http://0x100000000:{p}/",
    "http://4294967295:{p}/",
    "http://127.0.0.256:{p}/",
    "http://１２７.０.０.１:{p}/",
    "http://127。0。0。1:{p}/",
    "http://①②⑦.⓪.⓪.①:{p}/",
    "http://[::1]:{p}/",
    "http://[0:0:0:0:0:0:0:1]:{p}/",
    "http://[0000::0001]:{p}/",
    "http://[::]:{p}/",
    "http://[::127.0.0.1]:{p}/",
    "http://[::ffff:127.0.0.1]:{p}/",
    "http://[::FFFF:7F00:1]:{p}/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]:{p}/",
    "http://[::ffff:0.0.0.0]:{p}/",
    "http://[::ffff:0:127.0.0.1]:{p}/",
    "http://[64:ff9b::127.0.0.1]:{p}/",
    "http://[64:ff9b::a9fe:a9fe]:{p}/",
    "http://[64:ff9b:1::1]:{p}/",
    "http://[2002:7f00:1::]:{p}/",
    "http://[2002:a9fe:a9fe::1]:{p}/",
    "http://[2001:0:4136:e378:8000:63bf:5601:5601]:{p}/",
    "http://[2001:db8::1]:{p}/",
    "http://[3fff::1]:{p}/",
    "http://[5f00::1]:{p}/",
    "http://[100::1]:{p}/",
    "http://[fe80::1]:{p}/",
    "http://[fe80::1%25lo]:{p}/",
    "http://[::1%25lo]:{p}/",
    "http://[::1%lo]:{p}/",
    "http://[fec0::1]:{p}/",
    "http://[fc00::1]:{p}/",
    "http://[fd00:ec2::254]:{p}/",
    "http://[ff02::1]:{p}/",
    "http://[127.0.0.1]:{p}/",
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/v2/credentials",
    "http://2852039166/latest/meta-data/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://169.16689662/",
    "http://[::ffff:169.254.169.254]/",
    "http://100.100.100.200/latest/meta-data/",
    "http://168.63.129.16/metadata",
    "http://192.0.0.192/latest/",
    "http://10.0.0.1:{p}/",
    "http://172.16.0.1:{p}/",
    "http://192.168.0.1:{p}/",
    "http://100.64.0.1:{p}/",
    "http://192.0.0.8:{p}/",
    "http://192.0.2.1:{p}/",
    "http://192.88.99.1:{p}/",
    "http://198.18.0.1:{p}/",
    "http://203.0.113.1:{p}/",
    "http://224.0.0.1:{p}/",
    "http://240.0.0.1:{p}/",
    "http://255.255.255.255:{p}/",
]
BY_SPELLING = [
    "http://127.0.0.2:{p}@127.0.0.1:{p}/",
    "http://127.0.0.2@127.0.0.1:{p}/",
    "http://user:secret@127.0.0.2:{p}/",
    "http://127.0.0.1:{p}\\@127.0.0.2:{p}/",
    "http://127.0.0.1:{p}#@127.0.0.2:{p}/",
    "http://127.0.0.1:{p}?@127.0.0.2:{p}/",
    "http://127.0.0.2:{p}\r\nHost: 127.0.0.1/",
    "http://127.0.0.2:{p}/ HTTP/1.1\r\nX-Injected: 1",
    "http://127.0.0.2\t:{p}/",
    "http://127.0.0.2\x00.evil.example:{p}/",
    " http://127.0.0.2:{p}/",
    "http://127.0.0.2 :{p}/",
    "http://127.0.0.2%00:{p}/",
    "http://%31%32%37.0.0.1:{p}/",
    "http://127.0.0.1%2f@127.0.0.2:{p}/",
    "http:\\\\127.0.0.1:{p}/",
    "http:127.0.0.1:{p}/",
    "http:///127.0.0.1:{p}/",
    "//127.0.0.1:{p}/",
    "http://127.0.0.2:{p}:{p}/",
    "http://127.0.0.2:0{p}/",
    "http://127.0.0.2:-1/",
    "http://127.0.0.2:0/",
    "http://127.0.0.2:99999/",
    "http://127.0.0.2:22/",
    "http://127.0.0.2:6379/",
    "http://127.0.0.2:11211/",
    "ftp://127.0.0.1:{p}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{p}/_GET",
    "dict://127.0.0.1:{p}/info",
    "ws://127.0.0.1:{p}/",
    "ldap://127.0.0.1:{p}/",
    "jar:http://127.0.0.1:{p}!/",
    "http://[::1:{p}/",
    "http://[::1]@127.0.0.1:{p}/",
    "http://{{127.0.0.1,127.0.0.2}}:{p}/",
    "http://127.0.0.[1-2]:{p}/",
]
BY_NAME = {
    "localhost.example": ("127.0.0.1",),
    "six.example": ("::1",),
    "mapped.example": ("::ffff:127.0.0.1",),
    "metadata.example": ("169.254.169.254",),
    "mixed.example": ("127.0.0.2", "127.0.0.1"),
    "mixed-six.example": ("127.0.0.2", "::1"),
    "mixed-metadata.example": ("127.0.0.2", "fd00:ec2::254"),
    "zone.example": ("fe80::1%lo",),
    "private.example": ("10.0.0.1",),
    "any.example": ("0.0.0.0",),
    "nat64.example": ("64:ff9b::7f00:1",),
    "nonsense.example": ("127.1",),
    "short.example": ("0x7f000001",),
    "empty.example": (),
}
HOSTILE = [*BY_ADDRESS, *BY_SPELLING, *(f"http://{name}:{{p}}/" for name in BY_NAME)]
NAMES = {
    **BY_NAME,
    "good.example": (ALLOWED,),
    "xn--bcher-kva.example": (ALLOWED,),
    "good-mapped.example": ("::ffff:127.0.0.2",),
    "good_service": (ALLOWED, ALLOWED),
}
GOOD = [
    "http://127.0.0.2:{p}/",
    "HTTP://127.0.0.2:{p}",
    "http://127.0.0.2:{p}?a=b",
    "http://127.0.0.2:{p}/?next=http://127.0.0.1:{p}/@x#frag",
    "http://127.0.0.2:{p}/ü%20/../y:z@q",
    "http://[::ffff:127.0.0.2]:{p}/",
    "http://good.example:{p}/",
    "http://GOOD.example.:{p}/",
    "http://good_service:{p}/",
    "http://bücher.example:{p}/",
    "http://xn--bcher-kva.example:{p}/",
    "http://good-mapped.example:{p}/",
]


class _AnyPath(dict[str, Behaviour]):
    def __missing__(self, _path):
        return self["/"]


@pytest.fixture
def opened(monkeypatch):
    """Every address that libcurl was given a socket for."""
    seen = []
    open_socket = transfer.Exchange._open_socket

    def recording(self, purpose, address):
        found = open_socket(self, purpose, address)
        seen.append((address.addr[0], found != pycurl.SOCKET_BAD))
        return found

    monkeypatch.setattr(transfer.Exchange, "_open_socket", recording)
    monkeypatch.setattr("monitoring.clients.probe._kept", [])
    return seen


@pytest.fixture
def allowed():
    with LocalServer(_AnyPath({"/": reply()}), host=ALLOWED) as server:
        yield server


@pytest.fixture
def forbidden(allowed):
    hosts = ("127.0.0.1", "127.0.0.3", "127.255.255.254", "::1")
    servers = [LocalServer(_AnyPath({"/": reply()}), host=host, port=allowed.port) for host in hosts]
    for server in servers:
        server.__enter__()
    yield servers
    for server in servers:
        server.__exit__()


def probes(urls, policy=POLICY):
    requests = [ProbeRequest(at, url, timeout_s=5) for at, url in enumerate(urls)]
    results = probe_batch(requests, policy=policy, lookup=lambda host: NAMES[host])
    return sorted(results, key=lambda result: int(result.key))


def connections(servers):
    return sum(server.connections for server in servers)


def test_there_are_enough_of_them():
    assert len(set(HOSTILE)) >= 87


def test_no_hostile_url_opens_a_socket(allowed, forbidden, opened):
    urls = [url.format(p=allowed.port) for url in HOSTILE]

    results = probes(urls)

    wrong = [(urls[int(one.key)], one) for one in results if one.ok or one.latency_ms is not None]
    assert wrong == []
    assert {one.error_class for one in results} == {ErrorClass.REFUSED_ADDRESS, ErrorClass.DNS}
    assert all(one.error and "secret" not in one.error for one in results)
    assert opened == []
    assert connections([allowed, *forbidden]) == 0


def test_a_redirect_leads_to_no_hostile_url(allowed, forbidden, opened):
    # A raw line break or NUL cannot stand in a header; those are the others' part of the test.
    urls = [
        url.format(p=allowed.port) for url in HOSTILE if url.isprintable() and not url.startswith(("//", " "))
    ]
    for at, url in enumerate(urls):
        allowed.routes[f"/{at}"] = lambda visit, url=url: redirect(url)(visit)
    urls_here = [allowed.url(f"/{at}") for at in range(len(urls))]

    results = probes(urls_here)

    reached = [urls[int(one.key)] for one in results if one.ok]
    assert reached == []
    assert connections(forbidden) == 0
    assert {address for address, _ in opened} == {ALLOWED}
    assert allowed.connections == len(urls)


def test_good_urls_are_all_reached(allowed, forbidden, opened):
    results = probes([url.format(p=allowed.port) for url in GOOD])

    assert [one.error for one in results if not one.ok] == []
    assert allowed.connections == len(GOOD)
    assert connections(forbidden) == 0
    assert opened == [(ALLOWED, True)] * len(GOOD)


def test_the_same_listeners_are_reached_when_the_policy_allows_them(allowed, forbidden):
    """The counting above can fail: nothing but the policy keeps the probes away."""
    urls = [f"http://127.0.0.1:{allowed.port}/", f"http://[::1]:{allowed.port}/"]

    results = probes(urls, parse_policy(["127.0.0.0/8", "::1"]))

    assert all(one.ok for one in results)
    assert connections(forbidden) == 2
