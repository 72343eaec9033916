import gc
import socket

import pycurl
import pytest

from monitoring.clients.transfer import LARGEST_BODY, Exchange, _PinnedSocket
from monitoring.domain.assertions import parse_condition
from monitoring.domain.outbound import check_url
from monitoring.domain.probes import ErrorClass, ProbeRequest
from tests.monitoring.clients.servers import LocalServer, endless_body, reply


def exchange_for(server, **fields):
    exchange = Exchange()
    request = ProbeRequest("one", server.url(), **fields)
    exchange.prepare(
        request,
        check_url(request.url),
        "127.0.0.1",
        method=request.method,
        trusted=True,
        timeout_s=5,
        connect_timeout_s=5,
        ca_bundle="",
    )
    return exchange


def run(exchange):
    try:
        exchange.handle.perform()
    except pycurl.error as error:
        return exchange.received(*error.args)
    return exchange.received(0, "")


def test_exchange_brings_the_answer():
    with LocalServer({"/": reply()}) as server:
        received = run(exchange_for(server))

    assert (received.status, received.error_class, received.connected) == (200, ErrorClass.NONE, True)


def _turn_connect_to(handle, port):
    handle.setopt(pycurl.CONNECT_TO, [f"::127.0.0.9:{port}"])


def _turn_url(handle, port):
    handle.unsetopt(pycurl.CONNECT_TO)
    handle.setopt(pycurl.URL, f"http://127.0.0.9:{port}/")


def _turn_resolver(handle, port):
    handle.setopt(pycurl.RESOLVE, [f"*:{port}:127.0.0.9"])


def _turn_proxy(handle, port):
    handle.setopt(pycurl.PROXY, f"http://127.0.0.9:{port}")
    handle.setopt(pycurl.NOPROXY, "")


@pytest.mark.parametrize("turn", [_turn_connect_to, _turn_url, _turn_resolver, _turn_proxy])
def test_the_second_fence_stops_libcurl_wherever_else_it_turns(turn):
    with (
        LocalServer({"/": reply()}) as server,
        LocalServer({"/": reply()}, host="127.0.0.9", port=server.port) as other,
    ):
        exchange = exchange_for(server)
        turn(exchange.handle, other.port)

        received = run(exchange)

    assert (received.error_class, received.status) == (ErrorClass.CONNECT, 0)
    assert (server.connections, other.connections) == (0, 0)


def test_the_second_fence_holds_for_the_port_too():
    with LocalServer({"/": reply()}) as server, LocalServer({"/": reply()}) as neighbour:
        exchange = exchange_for(server)
        exchange.handle.setopt(pycurl.CONNECT_TO, [f"::127.0.0.1:{neighbour.port}"])

        received = run(exchange)

    assert received.error_class is ErrorClass.CONNECT
    assert neighbour.connections == 0


def test_the_limit_of_the_body_holds_without_libcurls_own():
    with LocalServer({"/": endless_body}) as server:
        exchange = exchange_for(server, conditions=(parse_condition("[BODY] == x"),))
        exchange.handle.setopt(pycurl.MAXFILESIZE, 2**30)

        received = run(exchange)

    assert (received.error_class, received.status) == (ErrorClass.TOO_LARGE, 200)
    assert len(exchange.body()) <= LARGEST_BODY


def test_a_body_that_no_condition_reads_is_not_kept():
    with LocalServer({"/": reply()}) as server:
        exchange = exchange_for(server)

        assert run(exchange).status == 200

    assert exchange.body() == b""


def test_nothing_of_one_use_is_left_for_the_next():
    with LocalServer({"/": reply()}) as server:
        exchange = exchange_for(server, method="POST", body=b"s3cret", headers=(("X-Key", "s3cret"),))
        assert run(exchange).status == 200
        exchange.release()
        assert exchange.body() == b""

        exchange.prepare(
            ProbeRequest("two", server.url()),
            check_url(server.url()),
            "127.0.0.1",
            method="GET",
            trusted=True,
            timeout_s=5,
            connect_timeout_s=5,
            ca_bundle="",
        )
        assert run(exchange).status == 200

    assert b"s3cret" in server.requests[0]
    assert b"s3cret" not in server.requests[1]
    assert server.requests[1].startswith(b"GET ")


def test_a_dropped_socket_closes_without_a_warning():
    one = _PinnedSocket(socket.AF_INET, socket.SOCK_STREAM)
    number = one.fileno()
    del one
    gc.collect()

    with pytest.raises(OSError, match="Bad file descriptor"):
        socket.socket(fileno=number)
