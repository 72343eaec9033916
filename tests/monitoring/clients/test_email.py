import socket

import pytest

from monitoring.clients import email
from monitoring.domain.delivery import Outcome
from tests.mail_server import running_mail_server


@pytest.fixture
def mailbox(settings):
    with running_mail_server() as running:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.port
        yield running


def send(**changes):
    return email.send(
        **{
            "line": "[P2] Firing",
            "body": "shop is down",
            "to": ["ops@example.com"],
            "key": "7:fired",
            **changes,
        }
    )


def test_send_is_sent_when_the_server_says_so(mailbox):
    answer = send()

    assert (answer.outcome, answer.text) == (Outcome.SENT, "accepted for 1 recipient(s)")
    assert "Subject: [P2] Firing" in mailbox.texts[0]
    assert "Message-ID: <7-fired@levqor-portal>" in mailbox.texts[0]
    assert "shop is down" in mailbox.texts[0]


@pytest.mark.parametrize(
    ("said", "outcome"),
    [("451 try again later", Outcome.LATER), ("554 no such thing here", Outcome.REFUSED)],
)
def test_send_is_not_sent_when_the_server_says_anything_else(mailbox, said, outcome):
    mailbox.answers = [said]

    answer = send()

    assert (answer.outcome, answer.text) == (outcome, said)
    assert mailbox.taken == []


def test_send_lets_no_name_add_a_header(mailbox):
    answer = send(line="down\r\nBcc: all@example.com")

    assert answer.outcome is Outcome.REFUSED
    assert mailbox.taken == []


def test_send_knows_that_nobody_took_what_was_never_connected(settings):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", closed.getsockname()[1]

        answer = send()

    assert (answer.outcome, answer.unclear) == (Outcome.LATER, False)


def test_send_is_unclear_when_the_server_falls_silent(settings):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = (
            "127.0.0.1",
            silent.getsockname()[1],
            0.3,
        )

        answer = send()

    assert (answer.outcome, answer.unclear) == (Outcome.LATER, True)


def test_send_by_a_backend_that_sends_nothing_is_not_sent(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"

    answer = send(to=[])

    assert answer.outcome is Outcome.REFUSED
