from datetime import UTC, datetime, timedelta

import pytest

from monitoring.clients.probe import ErrorClass, ProbeRequest, probe_batch
from monitoring.domain.assertions import parse_condition
from monitoring.domain.outbound import parse_policy
from tests.monitoring.clients.servers import Authority, LocalServer, redirect, reply

LOOPBACK = parse_policy(["127.0.0.0/8"])


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def probe(server, authority, host="secure.example", path="/", conditions=(), bundle=None):
    request = ProbeRequest(
        "one",
        server.url(path, host=host, scheme="https"),
        conditions=tuple(parse_condition(text) for text in conditions),
        timeout_s=5,
    )
    (result,) = probe_batch(
        [request],
        policy=LOOPBACK,
        lookup=lambda _: ("127.0.0.1",),
        ca_bundle=bundle or authority.bundle,
    )
    return result


def test_a_trusted_certificate_passes_and_its_end_is_reported(authority):
    context = authority.server_context(["secure.example", "127.0.0.1"], days=20)
    with LocalServer({"/": reply()}, tls=context) as server:
        first = probe(server, authority, conditions=["[CERTIFICATE_EXPIRATION] > 19d"])
        second = probe(server, authority, host="127.0.0.1", conditions=["[CERTIFICATE_EXPIRATION] > 30d"])

    assert first.ok
    assert first.status == 200
    assert abs(first.certificate_expires_at - datetime.now(UTC) - timedelta(days=20)) < timedelta(minutes=1)
    assert second.error_class is ErrorClass.ASSERTION
    assert second.failed_assertion.startswith("[CERTIFICATE_EXPIRATION] (479h59m")


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        ({"hosts": ["secure.example"], "self_signed": True}, "self-signed certificate"),
        ({"hosts": ["secure.example"], "days": -1}, "certificate has expired"),
        ({"hosts": ["other.example"]}, "no alternative certificate subject name matches"),
    ],
)
def test_a_certificate_that_cannot_be_trusted_fails(authority, certificate, words):
    with LocalServer({"/": reply()}, tls=authority.server_context(**certificate)) as server:
        result = probe(server, authority)

    assert (result.ok, result.error_class, result.status) == (False, ErrorClass.TLS, 0)
    assert words in result.error
    assert server.requests == []


def test_an_unknown_authority_is_not_trusted_by_the_default_bundle(authority):
    import certifi

    with LocalServer({"/": reply()}, tls=authority.server_context(["secure.example"])) as server:
        trusted = probe(server, authority)
        untrusted = probe(server, authority, bundle=certifi.where())

    assert trusted.ok
    assert untrusted.error_class is ErrorClass.TLS


def test_plain_http_on_a_tls_port_is_a_tls_error(authority):
    with LocalServer({"/": reply()}) as server:
        result = probe(server, authority)

    assert result.error_class is ErrorClass.TLS


def test_a_redirect_from_https_to_http_is_not_followed(authority):
    with LocalServer({"/": reply()}) as plain:
        context = authority.server_context(["secure.example"])
        with LocalServer({"/": redirect(plain.url())}, tls=context) as server:
            result = probe(server, authority)

    assert result.error_class is ErrorClass.REFUSED_REDIRECT
    assert "from https to http" in result.error
    assert plain.connections == 0
