import os
import threading
import time
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from monitoring.clients import probe as probe_module
from monitoring.clients import probe_loop
from monitoring.clients.probe import ErrorClass, ProbeRequest, ProbeResult, probe_batch, probe_stream
from monitoring.domain.assertions import parse_condition
from monitoring.domain.outbound import OutboundPolicy, parse_policy
from tests.monitoring.clients import servers
from tests.monitoring.clients.servers import LocalServer, redirect, reply

LOOPBACK = parse_policy(["127.0.0.0/8", "::1"])


def probe(url, policy=LOOPBACK, lookup=None, ca_bundle=None, conditions=(), **fields):
    fields.setdefault("timeout_s", 5.0)
    parsed = tuple(parse_condition(text) for text in conditions)
    request = ProbeRequest("one", url, conditions=parsed, **fields)
    (result,) = probe_batch([request], policy=policy, lookup=lookup, ca_bundle=ca_bundle)
    return result


def test_probe_reports_what_it_measured():
    with LocalServer({"/health": servers.after(0.05, reply())}) as server:
        before = datetime.now(UTC)

        result = probe(server.url("/health?deep=1"), conditions=["[STATUS] == 200", "[BODY].ok == true"])

    assert (result.key, result.ok, result.status, result.error_class) == ("one", True, 200, ErrorClass.NONE)
    assert (result.error, result.failed_assertion, result.ip) == ("", "", "127.0.0.1")
    assert result.certificate_expires_at is None
    assert result.latency_ms is not None
    assert 50 <= result.latency_ms < 1000
    assert before - timedelta(milliseconds=5) <= result.started_at <= result.ended_at <= datetime.now(UTC)
    assert result.ended_at - result.started_at >= timedelta(milliseconds=result.latency_ms)


def test_probe_asks_for_a_plain_answer_on_a_connection_of_its_own(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    answer = reply(headers=("Set-Cookie: a=b; Path=/", "Connection: keep-alive"))
    with LocalServer({"/": answer}) as server:
        for _ in range(2):
            assert probe(server.url()).ok

    assert server.connections == 2
    for request in server.requests:
        head = request.lower()
        assert head.startswith(b"get / http/1.1\r\nhost: 127.0.0.1:")
        assert b"accept-encoding: identity\r\n" in head
        assert b"user-agent: levqor-portal-probe/1\r\n" in head
        assert b"cookie" not in head
        assert b"expect" not in head


@pytest.mark.parametrize(
    ("behaviour", "error_class", "status", "words"),
    [
        (reply(500, b"oops"), ErrorClass.BAD_STATUS, 500, "answered 500, expected 200"),
        (servers.drop, ErrorClass.DROPPED, 0, "the connection was dropped"),
        (servers.hang, ErrorClass.TIMEOUT, 0, "no complete answer within 0.5 s"),
        (reply(200, b'{"ok": false}'), ErrorClass.ASSERTION, 200, "an assertion failed"),
        (redirect("/"), ErrorClass.TOO_MANY_REDIRECTS, 302, "the redirects lead in a circle"),
        (servers.cut_short, ErrorClass.DROPPED, 200, "the connection was dropped"),
        (servers.babble, ErrorClass.PROTOCOL, 0, "no valid HTTP answer"),
        (servers.endless_body, ErrorClass.TOO_LARGE, 200, "larger than a probe reads"),
        (servers.endless_chunks, ErrorClass.TOO_LARGE, 200, "larger than a probe reads"),
        (servers.big_length, ErrorClass.TOO_LARGE, 200, "larger than a probe reads"),
        (servers.drip, ErrorClass.TIMEOUT, 200, "no complete answer within 0.5 s"),
        (servers.drip_headers, ErrorClass.TIMEOUT, 200, "no complete answer within 0.5 s"),
        (servers.big_header, ErrorClass.TOO_LARGE, 200, "larger than a probe reads"),
        (servers.many_headers, ErrorClass.TOO_LARGE, 200, "larger than a probe reads"),
        (servers.gzip_bomb, ErrorClass.ASSERTION, 200, "the body came compressed"),
        (reply(200, b"[" * 900_000), ErrorClass.ASSERTION, 200, "an assertion failed"),
    ],
)
def test_every_kind_of_outage_is_classified_in_time_and_in_little_memory(
    behaviour, error_class, status, words
):
    process = psutil.Process()
    with LocalServer({"/": behaviour}) as server:
        rss, began = process.memory_info().rss, time.monotonic()

        result = probe(server.url(), timeout_s=0.5, conditions=["[BODY].ok == true"])

        took, grown = time.monotonic() - began, process.memory_info().rss - rss
    assert (result.ok, result.error_class, result.status) == (False, error_class, status)
    assert words in result.error
    assert took < 1.5
    assert grown < 20 * 2**20


def test_endless_continue_answers_end_with_the_deadline_or_the_limit():
    with LocalServer({"/": servers.endless_continue}) as server:
        began = time.monotonic()

        result = probe(server.url(), timeout_s=0.5)

        took = time.monotonic() - began
    assert result.error_class in {ErrorClass.TIMEOUT, ErrorClass.TOO_LARGE}
    assert took < 1.5


def test_a_failed_assertion_is_stored_in_readable_words():
    with LocalServer({"/": reply(200, b'{"ok": false}')}) as server:
        result = probe(server.url(), conditions=["[STATUS] == 200", "[BODY].ok == true", "[STATUS] == 201"])

    assert result.failed_assertion == "[BODY].ok (false) == true"


def test_a_large_answer_is_done_when_its_last_byte_came():
    with LocalServer({"/": reply(200, b"x" * 900_000)}) as server:
        results = [probe(server.url()) for _ in range(5)]

    for result in results:
        assert result.ok
        assert result.ended_at - result.started_at < timedelta(milliseconds=(result.latency_ms or 0) + 100)


def test_expected_status_may_be_left_to_the_conditions():
    with LocalServer({"/": reply(429)}) as server:
        asked = probe(server.url(), expected_status=429)
        judged = probe(server.url(), expected_status=None, conditions=["[STATUS] == any(200, 429)"])

    assert asked.ok
    assert judged.ok


def test_nobody_listening_is_no_connection():
    with LocalServer() as server:
        port = server.port

    result = probe(f"http://127.0.0.1:{port}/")

    assert (result.error_class, result.status) == (ErrorClass.CONNECT, 0)
    assert "127.0.0.1" in result.error


def test_every_method_and_the_body_arrive():
    with LocalServer({"/": reply()}) as server:
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            assert probe(server.url(), method=method, body=b"a=1", headers=(("X-Empty", ""),)).ok
        assert probe(server.url(), method="POST").ok
        assert probe(server.url()).ok
        assert probe(server.url(), method="HEAD").ok

    methods = [request.split(b" ")[0] for request in server.requests]
    assert methods == [b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"POST", b"GET", b"HEAD"]
    assert all(request.endswith(b"\r\n\r\na=1") for request in server.requests[:5])
    assert all(b"\r\nX-Empty:\r\n" in request for request in server.requests[:5])
    assert b"Content-Length: 0\r\n" in server.requests[5]
    assert b"Content-Length" not in server.requests[6]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"method": "CONNECT"}, "is not one of"),
        ({"method": "GET /x"}, "is not one of"),
        ({"headers": (("X-A", "s3cret\r\nHost: evil"),)}, "header X-A has a value with a line break"),
        ({"headers": (("X A", "s3cret"),)}, "header 1 has a name"),
        ({"headers": (("Host", "s3cret"),)}, "header Host is set by the prober itself"),
        ({"headers": (("A", "s3cret"),) * 51}, "the headers are more than 50"),
        ({"timeout_s": 0.0}, "give seconds above 0"),
        ({"timeout_s": float("nan")}, "give seconds above 0"),
        ({"max_redirects": 4}, "give 0 to 3"),
        ({"body": b"x" * 2**21}, "the request body is larger"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_without_harm_to_the_others(fields, words):
    with LocalServer({"/": reply()}) as server:
        bad = ProbeRequest("bad", server.url(), **fields)

        results = {
            one.key: one for one in probe_batch([bad, ProbeRequest("good", server.url())], policy=LOOPBACK)
        }

    assert results["good"].ok
    assert server.connections == 1
    assert results["bad"].error_class is ErrorClass.INVALID_REQUEST
    assert results["bad"].latency_ms is None
    assert words in results["bad"].error
    assert "s3cret" not in results["bad"].error


def test_a_deadline_that_is_over_before_the_start_is_a_timeout():
    with LocalServer({"/": reply()}) as server:
        result = probe(server.url(), timeout_s=1e-9)

    assert (result.error_class, result.latency_ms) == (ErrorClass.TIMEOUT, None)
    assert server.connections == 0


def test_handles_beyond_the_usual_are_given_back(monkeypatch):
    monkeypatch.setattr(probe_loop, "HANDLES_KEPT", 5)
    monkeypatch.setattr(probe_module, "_kept", [])
    with LocalServer({"/": servers.after(0.2, reply())}) as server:
        results = probe_batch([ProbeRequest(at, server.url()) for at in range(12)], policy=LOOPBACK)

    assert all(result.ok for result in results)
    assert [len(loop._idle) for loop in probe_module._kept] == [5]


def test_many_at_once_and_from_many_threads():
    found = []

    def work(server, name):
        batch = [ProbeRequest(f"{name}-{at}", server.url()) for at in range(50)]
        found.extend(probe_batch(batch, policy=LOOPBACK, max_concurrent=20))

    with LocalServer({"/": reply()}) as server:
        threads = [threading.Thread(target=work, args=(server, name)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert all(result.ok for result in found)
    assert {result.key for result in found} == {f"{name}-{at}" for name in range(4) for at in range(50)}


def test_files_are_given_back_whatever_happens():
    behaviours = {"/ok": reply(), "/drop": servers.drop, "/loop": redirect("/loop"), "/500": reply(500)}
    process = psutil.Process()
    with LocalServer(behaviours) as server:
        batch = [ProbeRequest(at, server.url(path)) for at, path in enumerate([*behaviours] * 20)]
        probe_batch(batch, policy=LOOPBACK)
        before = process.num_fds()

        probe_batch(batch, policy=LOOPBACK)

        # The server's own threads may still be closing their ends.
        deadline = time.monotonic() + 5
        while process.num_fds() > before and time.monotonic() < deadline:
            time.sleep(0.01)
        assert process.num_fds() <= before


def test_a_forked_worker_probes_on_its_own():
    with LocalServer({"/": reply()}) as server:
        assert probe(server.url()).ok

        child = os.fork()
        if child == 0:
            os._exit(0 if probe(server.url()).ok else 1)
        _, status = os.waitpid(child, 0)

        assert os.waitstatus_to_exitcode(status) == 0
        assert probe(server.url()).ok


# Streaming


def test_a_hanging_target_does_not_hold_up_the_results_of_the_others():
    with LocalServer({"/": reply(), "/hang": servers.hang}) as server:
        batch = [ProbeRequest("slow", server.url("/hang"), timeout_s=1.5)]
        batch += [ProbeRequest(at, server.url()) for at in range(20)]
        began = time.monotonic()

        groups = probe_stream(batch, policy=LOOPBACK, flush_every_s=0.1)
        first = next(groups)
        first_after = time.monotonic() - began
        rest = [result for group in groups for result in group]

    assert {result.key for result in first} == set(range(20))
    assert first_after < 1.0
    assert [(result.key, result.error_class) for result in rest] == [("slow", ErrorClass.TIMEOUT)]


def test_time_spent_storing_is_not_added_to_latency():
    with LocalServer({"/": reply(), "/later": servers.after(0.3, reply())}) as server:
        batch = [ProbeRequest("now", server.url()), ProbeRequest("later", server.url("/later"))]
        results: dict[int | str, ProbeResult] = {}

        for group in probe_stream(batch, policy=LOOPBACK, flush_every_s=0.05):
            results |= {result.key: result for result in group}
            time.sleep(0.8)  # a slow store

    assert 300 <= (results["later"].latency_ms or 0) < 700


def test_an_abandoned_stream_ends_its_probes():
    with LocalServer({"/": reply(), "/hang": servers.hang}) as server:
        batch = [ProbeRequest("slow", server.url("/hang"), timeout_s=60.0), ProbeRequest("ok", server.url())]
        began = time.monotonic()

        groups = probe_stream(batch, policy=LOOPBACK, flush_every_s=0.05)
        next(groups)
        groups.close()

        assert time.monotonic() - began < 5
        assert not [thread for thread in threading.enumerate() if thread.name == "probe-stream"]
        assert probe(server.url()).ok


def test_an_error_in_the_stream_reaches_the_caller():
    def requests():
        yield ProbeRequest("one", "http://127.0.0.1:1/")
        raise RuntimeError("the list broke off")

    with pytest.raises(RuntimeError, match="the list broke off"):
        list(probe_stream(requests(), policy=LOOPBACK))


def test_max_concurrent_is_kept():
    with LocalServer({"/": servers.after(0.2, reply())}) as server:
        batch = [ProbeRequest(at, server.url()) for at in range(6)]
        began = time.monotonic()

        results = probe_batch(batch, policy=LOOPBACK, max_concurrent=2)

        assert time.monotonic() - began >= 0.6
    assert all(result.ok and 200 <= (result.latency_ms or 0) < 400 for result in results)
    with pytest.raises(ValueError, match="max_concurrent is 0"):
        probe_batch([], policy=LOOPBACK, max_concurrent=0)


# Redirects


def test_redirects_are_followed_up_to_three():
    routes = {
        "/1": redirect("/2"),
        "/2": redirect("3?x=y", 307),
        "/3": redirect("//127.0.0.1/4", 301),
        "/4": reply(),
    }
    with LocalServer(routes) as server:
        routes["/3"] = redirect(server.url("/4"), 308)
        followed = probe(server.url("/1"), conditions=["[BODY].ok == true"])
        routes["/4"] = redirect("/5")
        routes["/5"] = reply()
        too_far = probe(server.url("/1"))
        less = probe(server.url("/4"), max_redirects=1)
        none = probe(server.url("/4"), max_redirects=0)
        expected = probe(server.url("/4"), expected_status=302)

    assert followed.ok
    assert too_far.error_class is ErrorClass.TOO_MANY_REDIRECTS
    assert less.ok
    assert (none.error_class, none.status) == (ErrorClass.BAD_STATUS, 302)
    assert expected.ok


def test_latency_adds_up_over_redirects_and_the_deadline_covers_them_all():
    step = {f"/{at}": servers.after(0.2, redirect(f"/{at + 1}")) for at in range(3)}
    with LocalServer({**step, "/3": servers.after(0.2, reply())}) as server:
        whole = probe(server.url("/0"))
        short = probe(server.url("/0"), timeout_s=0.5)

    assert whole.ok
    assert 800 <= whole.latency_ms < 1500
    assert short.error_class is ErrorClass.TIMEOUT
    assert short.ended_at - short.started_at < timedelta(seconds=0.9)


def test_headers_and_body_stay_with_the_host_they_were_meant_for():
    secret = (("Authorization", "Bearer s3cret-token"), ("X-Key", "another-s3cret"))
    with LocalServer({"/back": reply(), "/same": reply()}, host="127.0.0.3") as other:
        routes = {
            "/same": redirect("/here"),
            "/here": reply(),
            "/away": redirect(other.url("/back")),
            "/post": redirect(other.url("/back"), 307),
            "/post-303": redirect(other.url("/back"), 303),
        }
        with LocalServer(routes) as server:
            same = probe(server.url("/same"), headers=secret)
            away = probe(server.url("/away"), headers=secret)
            other.routes["/back"] = redirect(server.url("/here"))
            returned = probe(server.url("/away"), headers=secret)
            other.routes["/back"] = reply()
            posted = probe(server.url("/post"), method="POST", body=b"s3cret")
            seen = probe(server.url("/post-303"), method="POST", body=b"s3cret")

    assert same.ok
    assert away.ok
    assert returned.ok
    assert [b"s3cret" in request for request in server.requests] == [
        True,
        True,
        True,
        True,
        False,
        True,
        True,
    ]
    assert not any(b"s3cret" in request for request in other.requests)
    assert posted.error_class is ErrorClass.REFUSED_REDIRECT
    assert "request body to another host" in posted.error
    assert seen.ok
    assert other.requests[-1].startswith(b"GET ")


def test_the_location_of_an_interim_answer_is_not_followed():
    def behave(visit):
        visit.send(b"HTTP/1.1 103 Early Hints\r\nLocation: /elsewhere\r\n\r\n")
        reply(302, b"")(visit)

    with LocalServer({"/": behave}) as server:
        result = probe(server.url())

    assert (result.error_class, result.status) == (ErrorClass.BAD_STATUS, 302)
    assert server.connections == 1


@pytest.mark.parametrize(
    "location",
    ["ftp://127.0.0.1/", "file:///etc/passwd", "http://user:pw@127.0.0.1/", "http://127.1/", "gopher://x/"],
)
def test_a_redirect_to_a_refused_url_is_not_followed(location):
    with LocalServer({"/": redirect(location)}) as server:
        result = probe(server.url())

    assert result.error_class in {ErrorClass.REFUSED_REDIRECT, ErrorClass.PROTOCOL, ErrorClass.BAD_STATUS}
    assert server.connections == 1


def test_a_redirect_to_a_forbidden_address_is_not_followed():
    with (
        LocalServer({"/": reply()}, host="127.0.0.9") as forbidden,
        LocalServer({"/": redirect(forbidden.url())}) as server,
    ):
        result = probe(server.url(), policy=parse_policy(["127.0.0.1"]))

    assert (result.error_class, result.status) == (ErrorClass.REFUSED_ADDRESS, 0)
    assert "127.0.0.9 is refused: loopback; PROBE_ALLOWED_NETWORKS does not list it" in result.error
    assert forbidden.connections == 0


# Secrets


def test_a_header_that_comes_back_is_in_no_text():
    token = "tok-" + "k3y" * 40
    body = ('{"echo": "' + token + '"}').encode()
    with LocalServer(
        {
            "/": reply(200, body),
            "/pat": reply(200, b"x" * 15 + body),
            "/to": redirect(f"http://127.0.0.1/{token}?{token}"),
            "/loop": redirect("/loop?" + token),
        }
    ) as server:
        headers = (("Authorization", f"Bearer {token}"),)
        results = [
            probe(server.url(), headers=headers, conditions=["[BODY].echo == x"]),
            probe(server.url("/pat"), headers=headers, conditions=["[BODY] == pat(*zzz*)"]),
            probe(server.url("/to"), headers=headers),
            probe(server.url("/loop"), headers=headers),
        ]

    for result in results:
        assert not result.ok
        assert "k3y" not in repr(result)
    assert results[0].failed_assertion == "[BODY].echo (•••) == x"
    assert token not in repr(ProbeRequest(1, "http://x/", headers=headers))


# Addresses and names


def test_nothing_private_is_reached_by_default():
    with LocalServer({"/": reply()}) as server:
        result = probe(server.url(), policy=OutboundPolicy())

    assert result.error_class is ErrorClass.REFUSED_ADDRESS
    assert server.connections == 0
    assert result.latency_ms is None


def test_ipv6_is_reached():
    with LocalServer({"/": reply()}, host="::1") as server:
        result = probe(f"http://[::1]:{server.port}/")

    assert result.ok
    assert result.ip == "::1"
    assert f"Host: [::1]:{server.port}".encode() in server.requests[0]


def test_a_name_is_looked_up_and_sent_as_host():
    with LocalServer({"/": reply()}) as server:
        result = probe(
            server.url(host="bücher.example"), lookup={"xn--bcher-kva.example": ("127.0.0.1",)}.__getitem__
        )

    assert result.ok
    assert b"Host: xn--bcher-kva.example:" in server.requests[0]


def test_one_forbidden_record_refuses_the_name():
    with LocalServer({"/": reply()}) as server:
        result = probe(
            server.url(host="mixed.example"),
            policy=parse_policy(["127.0.0.1"]),
            lookup=lambda _: ("127.0.0.1", "169.254.169.254"),
        )

    assert result.error_class is ErrorClass.REFUSED_ADDRESS
    assert result.error == (
        "mixed.example leads to 169.254.169.254 is refused: link-local, where clouds keep their metadata"
    )
    assert server.connections == 0


def test_a_name_that_changes_its_address_is_pinned_per_hop():
    with LocalServer({"/": redirect("/")}, host="127.0.0.9") as forbidden:
        asked = []

        def rebinding(host):
            asked.append(host)
            return ("127.0.0.1",) if len(asked) == 1 else ("127.0.0.9",)

        policy = parse_policy(["127.0.0.1"])
        with LocalServer({"/": reply(), "/on": redirect("/")}, port=forbidden.port) as server:
            pinned = probe(server.url(host="rebind.example"), policy=policy, lookup=rebinding)
            asked.clear()
            hopped = probe(server.url("/on", host="rebind.example"), policy=policy, lookup=rebinding)

    assert pinned.ok
    assert hopped.error_class is ErrorClass.REFUSED_ADDRESS
    assert asked == ["rebind.example"] * 2
    assert forbidden.connections == 0


def test_the_next_address_is_tried_when_one_is_dead():
    with LocalServer({"/": reply()}) as server:
        result = probe(server.url(host="two.example"), lookup=lambda _: ("127.0.0.77", "127.0.0.1"))

    assert result.ok
    assert result.ip == "127.0.0.1"


def _raise(error):
    def lookup(_):
        raise error

    return lookup


@pytest.mark.parametrize(
    ("lookup", "error_class", "words"),
    [
        (_raise(OSError(-2, "Name or service not known")), ErrorClass.DNS, "Name or service not known"),
        (_raise(KeyError("x")), ErrorClass.DNS, "KeyError while looking the name up"),
        (lambda _: (), ErrorClass.DNS, "a.example has no address"),
        (lambda _: ("nonsense",), ErrorClass.REFUSED_ADDRESS, "'nonsense' is no IP address"),
        (lambda _: ("fe80::1%lo",), ErrorClass.REFUSED_ADDRESS, "names a network interface"),
        (
            lambda _: tuple(f"127.0.1.{at}" for at in range(33)),
            ErrorClass.REFUSED_ADDRESS,
            "more than 32 addresses",
        ),
    ],
)
def test_lookups_that_lead_nowhere(lookup, error_class, words):
    result = probe("http://a.example/", lookup=lookup)

    assert (result.error_class, result.status, result.latency_ms) == (error_class, 0, None)
    assert words in result.error


def test_a_hanging_lookup_ends_at_the_deadline_and_holds_up_nobody():
    release = threading.Event()

    def lookup(host):
        if host == "hang.example":
            release.wait(30)
        return ("127.0.0.1",)

    with LocalServer({"/": reply()}) as server:
        batch = [ProbeRequest(at, server.url(host="hang.example"), timeout_s=0.6) for at in range(40)]
        batch += [ProbeRequest("ok", server.url(host="fine.example"))]
        results = {result.key: result for result in probe_batch(batch, policy=LOOPBACK, lookup=lookup)}
        release.set()

    assert results.pop("ok").ended_at < min(result.ended_at for result in results.values())
    assert {result.error for result in results.values()} == {
        "no answer to the lookup of hang.example within 0.6 s"
    }
    assert all(result.error_class is ErrorClass.DNS for result in results.values())
