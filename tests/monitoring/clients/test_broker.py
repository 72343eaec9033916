"""The broker asked while it lives, is gone, and hangs."""

import socket
import time

import pytest
from django.conf import settings
from redis import Redis

from monitoring.clients import broker


@pytest.fixture
def address(settings):
    """Points the portal at another broker."""

    def point(port):
        settings.REDIS_URL = f"redis://127.0.0.1:{port}/0"
        broker._client.cache_clear()

    yield point
    broker._client.cache_clear()


@pytest.fixture
def silent_port():
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_broker_that_lives_answers_and_says_how_full_it_is():
    Redis.from_url(settings.REDIS_URL).delete(settings.CELERY_TASK_DEFAULT_QUEUE)
    broker.send("nobody.runs.this", {})

    standing = broker.standing()

    assert broker.answers() is True
    assert standing.depth == broker.depth() == 1
    assert standing.memory_bytes > 0


def test_a_broker_that_is_gone_is_known_at_once(address):
    address(1)
    began = time.perf_counter()

    assert (broker.answers(), broker.depth(), broker.standing()) == (False, None, None)
    assert time.perf_counter() - began < 0.5


def test_a_broker_that_hangs_costs_the_time_out_and_no_more(address, silent_port):
    address(silent_port)
    began = time.perf_counter()

    assert broker.answers(timeout=0.2) is False
    assert time.perf_counter() - began < 0.5


def test_a_broken_connection_is_made_anew(address):
    broker.answers()
    Redis.from_url(settings.REDIS_URL).client_kill_filter(_type="normal", skipme=True)

    assert broker.answers() is True
