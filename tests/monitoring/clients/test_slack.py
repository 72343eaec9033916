import logging
import socket

import pytest

from monitoring.clients import slack
from monitoring.domain.delivery import Outcome
from tests.slack_server import running_slack


@pytest.fixture
def server():
    with running_slack() as running:
        yield running


def post(url, **options):
    return slack.post(url, line="[P2] Firing", body="shop <b> & <!channel>", **options)


def test_post_is_sent_when_slack_says_so(server):
    answer = post(server.url)

    assert (answer.outcome, answer.text) == (Outcome.SENT, "200 ok")
    assert server.texts == ["*[P2] Firing*\nshop &lt;b&gt; &amp; &lt;!channel&gt;"]


@pytest.mark.parametrize(
    ("step", "outcome", "retry_after", "unclear"),
    [
        ((429, {"Retry-After": "7"}), Outcome.LATER, 7, False),
        ((500, {}), Outcome.LATER, None, False),
        ((404, {}), Outcome.REFUSED, None, False),
        # Followed, this would be a GET that somebody else answers with 200.
        ((302, {"Location": "/elsewhere"}), Outcome.REFUSED, None, False),
        ("drop", Outcome.LATER, None, True),
        ("accept and hang", Outcome.LATER, None, True),
    ],
)
def test_post_is_not_sent_when_slack_says_anything_else(server, step, outcome, retry_after, unclear):
    server.script = [step]

    answer = post(server.url, timeout=1)

    assert answer.outcome is outcome
    assert answer.unclear is unclear
    assert (answer.retry_after and answer.retry_after.total_seconds()) == retry_after
    assert len(server.requests) == 1


def test_post_knows_that_nobody_took_what_was_never_connected():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]

        answer = post(f"http://127.0.0.1:{port}/")

    assert (answer.outcome, answer.unclear) == (Outcome.LATER, False)


@pytest.mark.parametrize("url", ["", "ftp://127.0.0.1/", "http://user:password@127.0.0.1/"])
def test_post_refuses_an_address_that_is_none(url):
    answer = post(url)

    assert answer.outcome is Outcome.REFUSED
    assert "SLACK_WEBHOOK_URL" in answer.text


def test_post_uses_no_proxy_of_the_environment(server, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert post(server.url).outcome is Outcome.SENT


def test_post_writes_the_webhooks_address_into_no_log(server, caplog):
    caplog.set_level(logging.DEBUG)
    server.script = [(500, {}), "drop"]

    post(server.url)
    post(server.url)
    post(server.url)

    assert "secret" not in caplog.text
